"""Pure: a client's pod and the router's container -> the JSON patch that puts the router into the pod as a sidecar.

A native sidecar: an init container that goes on running. It comes first, so that other init containers may call it too.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from besteffort_operator.manifests.context import Manifest
    from besteffort_operator.manifests.router_container import RouterContainer

__all__ = ["NAME", "is_injected", "obstacle", "patch_of"]

NAME = "besteffort-router"
"""Of the container; its volumes are called after it. They must not be the client's own."""
START_S = 60


def is_injected(pod: Manifest) -> bool:
    """Say whether the pod has the sidecar already."""
    return any(container["name"] == NAME for container in pod["spec"].get("initContainers", ()))


def patch_of(pod: Manifest, router: RouterContainer) -> list[Manifest]:
    """Return the operations of a JSON patch (RFC 6902) that add the sidecar; none where it is there already."""
    if is_injected(pod):
        return []
    spec = pod["spec"]
    volumes = [volume.volume | {"name": f"{NAME}-{volume.name}"} for volume in router.volumes]
    return [
        *_added(spec, "volumes", volumes, at="-"),
        *_added(spec, "initContainers", [_sidecar(router.container)], at="0"),
    ]


def obstacle(pod: Manifest, router: RouterContainer) -> str:
    """Return why the router would not run beside a pod's own containers; empty: it would."""
    spec = pod["spec"]
    if spec.get("hostNetwork"):
        return "hostNetwork: its ports would be the node's"
    wanted = {port["containerPort"] for port in router.container["ports"]}
    for container in (*spec.get("containers", ()), *spec.get("initContainers", ())):
        for port in container.get("ports", ()):
            if port["containerPort"] in wanted and port.get("protocol", "TCP") == "TCP":
                return f"container {container['name']} has port {port['containerPort']}, which the router needs"
    return ""


def _sidecar(container: Manifest) -> Manifest:
    """Return the container as a sidecar: the pod waits until it listens, and is as ready as its own containers are.

    It goes after them, when nobody calls it any more: there is nothing to wait for before it stops.
    """
    found = {
        key: copy.deepcopy(value) for key, value in container.items() if key not in {"readinessProbe", "lifecycle"}
    }
    mounts = [mount | {"name": f"{NAME}-{mount['name']}"} for mount in found["volumeMounts"]]
    alive = found["livenessProbe"]["httpGet"]
    startup = {"httpGet": dict(alive), "periodSeconds": 1, "timeoutSeconds": 3, "failureThreshold": START_S}
    return found | {"name": NAME, "restartPolicy": "Always", "volumeMounts": mounts, "startupProbe": startup}


def _added(spec: Manifest, field: str, elements: Sequence[Manifest], *, at: str) -> list[Manifest]:
    """Return the operations that add elements to a list of the pod's spec, which may not be there."""
    if not spec.get(field):
        return [{"op": "add", "path": f"/spec/{field}", "value": list(elements)}]
    return [{"op": "add", "path": f"/spec/{field}/{at}", "value": element} for element in elements]
