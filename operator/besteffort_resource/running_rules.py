"""The rules of how the containers of a service run: waits, volumes, arguments, the sidecar; see rules.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_resource import wording
from besteffort_resource.counting import how_many, repeated
from besteffort_resource.quantities import amount, byte_count, duration_s
from besteffort_resource.sentences import path_text, shown
from besteffort_resource.service import RouterMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from besteffort_resource.service import Spec

__all__ = ["RUNNING_RULES"]

STARTUP = ("1s", "240m")
DRAIN = ("0s", "60m")
SCALE_DOWN = ("0s", "60m")
BACKLOG = ("1ms", "60m")
QUEUE_BYTES = ("64Ki", "64Gi")
VOLUME_MIN = "1Mi"
ARGUMENTS_TAKEN = (
    "model-repository",
    "model-control-mode",
    "load-model",
    "allow-http",
    "http-port",
    "allow-grpc",
    "grpc-port",
    "allow-metrics",
    "metrics-port",
    "exit-timeout-secs",
)
"""Arguments of tritonserver that the operator sets, without the dashes."""
ENGINE_ARGS_TAKEN = ("model", "revision")


def waits_are_bounded(spec: Spec) -> Iterator[str]:
    """`triton.startupTimeout` is from 1s to 240m; `drain` and `scaling.scaleDownDelay` from 0s to 60m; `scaling.target.backlog` from 1ms to 60m."""  # noqa: E501
    for path, text, (least, most) in _waits(spec):
        if not duration_s(least) <= duration_s(text) <= duration_s(most):
            yield f"{path}: " + wording.DURATION_RANGE.format(value=text, least=least, most=most)


def queue_bytes_are_bounded(spec: Spec) -> Iterator[str]:
    """`router.queue.maxBytes` is from 64Ki to 64Gi."""
    queue = spec.router.queue
    least, most = QUEUE_BYTES
    if not byte_count(least) <= queue.byte_count <= byte_count(most):
        fault = wording.BYTES_RANGE.format(value=queue.max_bytes, least=least, most=most)
        yield f"spec.router.queue.maxBytes: {fault}"


def volumes_hold_something(spec: Spec) -> Iterator[str]:
    """`triton.sharedMemory` and `triton.cache.size` are at least 1Mi."""
    cache = spec.triton.cache
    sizes = {"sharedMemory": spec.triton.shared_memory} | ({"cache.size": cache.size} if cache else {})
    for field, size in sizes.items():
        if amount(size) < amount(VOLUME_MIN):
            yield f"spec.triton.{field}: " + wording.TOO_SMALL.format(value=size, least=VOLUME_MIN)


def requests_are_within_limits(spec: Spec) -> Iterator[str]:
    """Nothing in `triton.resources.requests` and `router.resources.requests` is more than its limit."""
    for block, asked in {"triton": spec.triton.resources, "router": spec.router.resources}.items():
        for name in sorted(asked.requests.keys() & asked.limits.keys()):
            request, limit = asked.requests[name], asked.limits[name]
            if amount(request) > amount(limit):
                path = path_text(["spec", block, "resources", "requests", name])
                yield f"{path}: " + wording.ABOVE_LIMIT.format(request=request, limit=limit)


def variables_are_unambiguous(spec: Spec) -> Iterator[str]:
    """No two of `triton.env` have one name, and each has exactly one of `value` and `valueFrom`."""
    yield from repeated("spec.triton.env", [variable.name for variable in spec.triton.env], field=".name")
    for i, variable in enumerate(spec.triton.env):
        if count := how_many(variable.value, variable.value_from):
            yield f"spec.triton.env[{i}]: " + wording.VARIABLE_SOURCES.format(count=count)


def arguments_are_free(spec: Spec) -> Iterator[str]:
    """`triton.args` has none that the operator sets: ports, the model repository and which models are loaded."""
    for i, argument in enumerate(spec.triton.args):
        if argument[2:].partition("=")[0] in ARGUMENTS_TAKEN:
            yield f"spec.triton.args[{i}]: " + wording.ARGUMENT_TAKEN.format(argument=argument)


def engine_arguments_are_plain(spec: Spec) -> Iterator[str]:
    """`huggingFace.engineArgs` are text, numbers, true or false; `model` and `revision` follow from the block."""
    for i, size in enumerate(spec.sizes):
        source = size.model.hugging_face
        for name, value in (source.engine_args if source else {}).items():
            path = path_text(["spec", "sizes", i, "model", "huggingFace", "engineArgs", name])
            if name in ENGINE_ARGS_TAKEN:
                yield f"{path}: follows from id and revision; remove it"
            elif not isinstance(value, str | int | float):
                yield f"{path}: {shown(value)} is no plain value; write text, a number, true or false"


def sidecars_are_no_deployment(spec: Spec) -> Iterator[str]:
    """With router mode Sidecar there is no `router.replicas`, `scaling`, `tls` and `podTemplate`, and no `policy.canary`."""  # noqa: E501
    router = spec.router
    gateway_only = {
        "router.replicas": router.replicas,
        "router.scaling": router.scaling,
        "router.tls": router.tls,
        "router.podTemplate": router.pod_template,
        "policy.canary": spec.policy.canary,
    }
    for field, value in gateway_only.items():
        if router.mode is RouterMode.SIDECAR and value is not None:
            yield f"spec.{field}: {wording.GATEWAY_ONLY}"


RUNNING_RULES: tuple[Callable[[Spec], Iterator[str]], ...] = (
    waits_are_bounded,
    queue_bytes_are_bounded,
    volumes_hold_something,
    requests_are_within_limits,
    variables_are_unambiguous,
    arguments_are_free,
    engine_arguments_are_plain,
    sidecars_are_no_deployment,
)


def _waits(spec: Spec) -> Iterator[tuple[str, str, tuple[str, str]]]:
    """Yield path, text and bounds of every duration but the deadlines."""
    yield "spec.triton.startupTimeout", spec.triton.startup_timeout, STARTUP
    yield "spec.triton.drain", spec.triton.drain, DRAIN
    yield "spec.router.drain", spec.router.drain, DRAIN
    hosts = {"spec.placement": spec.placement} | {f"spec.sizes[{i}]": size for i, size in enumerate(spec.sizes)}
    for path, host in hosts.items():
        if host.scaling:
            yield f"{path}.scaling.target.backlog", host.scaling.target.backlog, BACKLOG
            yield f"{path}.scaling.scaleDownDelay", host.scaling.scale_down_delay, SCALE_DOWN
