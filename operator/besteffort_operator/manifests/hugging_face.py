"""Models of the Hugging Face hub: the repository for Triton's vLLM backend, their cache and their token.

The repository's files are annotations of the pod template, and a volume shows them to Triton: they roll with it. In a
ConfigMap they would change under servers that are not to change yet.
"""

from __future__ import annotations

import json
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from besteffort_operator.manifests.metadata import GROUP, Component, child
from besteffort_operator.manifests.pod import Volume
from besteffort_resource.names import cache_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from besteffort_operator.manifests.context import Context, Manifest
    from besteffort_resource.servers import Server
    from besteffort_resource.service import BestEffortService
    from besteffort_resource.size import HuggingFace, Size

__all__ = [
    "REPOSITORY",
    "cache_volume",
    "claims",
    "hub_environment",
    "hub_sizes",
    "model_files",
    "models_volume",
]

REPOSITORY = "/repositories/hub"
CACHE = "/cache"
# vLLM's own default, which is for one engine on a device.
MEMORY_SHARE = Decimal("0.9")
CONFIG = """\
backend: "vllm"
instance_group [{ count: 1 kind: KIND_MODEL }]
parameters: { key: "ENABLE_VLLM_HEALTH_CHECK" value: { string_value: "true" } }
"""
"""With the check a model whose engine has died is not ready; without it Triton says that it is."""


def hub_sizes(sizes: Iterable[Size]) -> tuple[Size, ...]:
    """Return the sizes whose models come from the hub."""
    return tuple(size for size in sizes if size.model.hugging_face)


def claims(service: BestEffortService, context: Context) -> list[Manifest]:
    """Return the claim of the cache, if one is wanted: all servers share it, wherever they run."""
    cache = service.spec.triton.cache
    if not cache:
        return []
    spec: Manifest = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": cache.size}}}
    if cache.storage_class_name:
        spec["storageClassName"] = cache.storage_class_name
    return [child(service, context, "v1/PersistentVolumeClaim", cache_name(service), Component.TRITON, spec=spec)]


def model_files(server: Server) -> dict[str, str]:
    """Return the files of a server's repository, as the annotations that hold them."""
    files = {}
    for size in hub_sizes(server.sizes):
        files[f"{GROUP}/{size.name}.config.pbtxt"] = CONFIG
        arguments = json.dumps(_engine_arguments(size, server), indent=2, sort_keys=True)
        files[f"{GROUP}/{size.name}.model.json"] = arguments + "\n"
    return files


def models_volume(server: Server) -> Volume:
    """Return the repository of a server: the annotations at the places where Triton looks."""
    items = []
    for size in hub_sizes(server.sizes):
        for file, path in (("config.pbtxt", "config.pbtxt"), ("model.json", "1/model.json")):
            field = {"fieldPath": f"metadata.annotations['{GROUP}/{size.name}.{file}']"}
            items.append({"path": f"{size.name}/{path}", "fieldRef": field})
    return Volume("models", {"downwardAPI": {"items": items}}, REPOSITORY)


def cache_volume(service: BestEffortService) -> Volume:
    """Return where downloads go: the claim, or a volume that ends with the pod."""
    cached: Manifest = {"persistentVolumeClaim": {"claimName": cache_name(service)}}
    return Volume("cache", cached if service.spec.triton.cache else {"emptyDir": {}}, CACHE, read_only=False)


def hub_environment(server: Server) -> list[Manifest]:
    """Return what the hub's library reads: where downloads go, and the first token that a size names."""
    found = [size.model.hugging_face for size in server.sizes if size.model.hugging_face]
    tokens = [hub.token_secret_ref for hub in found if hub.token_secret_ref]
    variables: list[Manifest] = [{"name": "HF_HOME", "value": CACHE}] if found else []
    for token in tokens[:1]:
        reference = {"name": token.name, "key": token.key}
        variables.append({"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": reference}})
    return variables


def _engine_arguments(size: Size, server: Server) -> dict[str, Any]:
    hub = size.model.hugging_face
    assert hub
    return _defaults(server) | hub.engine_args | _identity(hub)


def _identity(hub: HuggingFace) -> dict[str, Any]:
    return {"model": hub.id, "revision": hub.revision}


def _defaults(server: Server) -> dict[str, Any]:
    """Return what follows from where a server runs: its devices, and the memory that its sizes share alike."""
    defaults: dict[str, Any] = {}
    if (together := len(server.sizes)) > 1:
        defaults["gpu_memory_utilization"] = float((MEMORY_SHARE / together).quantize(Decimal("0.01"), ROUND_DOWN))
    if server.gpu and server.gpu.count > 1:
        defaults["tensor_parallel_size"] = server.gpu.count
    return defaults
