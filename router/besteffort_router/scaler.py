"""KEDA's external scaler: how many milliseconds of work wait, so that KEDA can size the servers by it.

The metric is the sum over all servers that are ready (of one size, where the trigger names one): divided by the target
it is the number of servers wanted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import grpc

from besteffort.v1 import external_scaler_pb2 as keda
from besteffort_router.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from besteffort_router.dispatch import Dispatch
    from besteffort_router.watching import Watching

    Context = grpc.aio.ServicerContext[Any, Any]

__all__ = ["Scaler"]

PREFIX = "/externalscaler.ExternalScaler/"
METRIC = "backlog_ms"
QUIET_RPS = 0.01
"""A rate below this is what is left of requests long gone."""


class Scaler(grpc.GenericRpcHandler):
    """Answers KEDA."""

    def __init__(self, dispatch: Dispatch, watching: Watching, clock: Callable[[], float]) -> None:
        """`clock` is the one that the dispatch is driven by."""
        self._dispatch = dispatch
        self._watching = watching
        self._clock = clock
        trigger, request = keda.ScaledObjectRef.FromString, keda.GetMetricsRequest.FromString
        active: grpc.RpcMethodHandler[Any, Any]
        active = grpc.unary_stream_rpc_method_handler(self.stream_is_active, request_deserializer=trigger)
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            PREFIX + "IsActive": _unary(self.is_active, trigger),
            PREFIX + "StreamIsActive": active,
            PREFIX + "GetMetricSpec": _unary(self.metric_spec, trigger),
            PREFIX + "GetMetrics": _unary(self.metrics, request),
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the handler of a method, None where there is none."""
        return self._handlers.get(handler_call_details.method)

    async def is_active(self, _trigger: keda.ScaledObjectRef, _context: Context) -> bytes:
        """Say whether there is any work: KEDA may take away the last server where there is none."""
        return self._active()

    async def stream_is_active(self, _trigger: keda.ScaledObjectRef, context: Context) -> AsyncIterator[bytes]:
        """Say so now and at each change."""
        async for said in self._watching.follow(self._active, context):
            yield said

    async def metric_spec(self, trigger: keda.ScaledObjectRef, context: Context) -> bytes:
        """Name the metric and its target for one server."""
        try:
            target_ms = _target_ms(trigger.scalerMetadata)
        except MalformedError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        spec = keda.MetricSpec(metricName=METRIC, targetSize=math.ceil(target_ms), targetSizeFloat=target_ms)
        return keda.GetMetricSpecResponse(metricSpecs=[spec]).SerializeToString()

    async def metrics(self, request: keda.GetMetricsRequest, context: Context) -> bytes:
        """Return the metric as it is now."""
        try:
            found_ms = self._backlog_ms(request.scaledObjectRef.scalerMetadata.get("size", ""))
        except MalformedError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        value = keda.MetricValue(metricName=METRIC, metricValue=math.ceil(found_ms), metricValueFloat=found_ms)
        return keda.GetMetricsResponse(metricValues=[value]).SerializeToString()

    def _active(self) -> bytes:
        load = self._dispatch.load
        busy = any(lane.own + lane.others > 0 for lane in load.lanes)
        active = busy or load.rate_rps(self._clock()) > QUIET_RPS
        return keda.IsActiveResponse(result=active).SerializeToString()

    def _backlog_ms(self, size: str) -> float:
        settings, load = self._dispatch.settings, self._dispatch.load
        if size and size not in settings.sizes:
            raise MalformedError(f"scalerMetadata.size: {size[:40]!r} is not one of {', '.join(settings.sizes)}")
        backlogs_s = zip(load.lanes, load.backlogs_s(self._clock(), settings.pool), strict=True)
        ready = [(lane.backend.size_name, seconds) for lane, seconds in backlogs_s if lane.ready]
        return 1000.0 * sum(seconds for name, seconds in ready if size in ("", name))


def _unary(method: Callable[..., Any], read: Callable[[bytes], Any]) -> grpc.RpcMethodHandler[Any, Any]:
    return grpc.unary_unary_rpc_method_handler(method, request_deserializer=read)


def _target_ms(metadata: Mapping[str, str]) -> float:
    text = metadata.get("targetBacklogMs", "")
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and found > 0.0):
        raise MalformedError(f"scalerMetadata.targetBacklogMs: {text[:40]!r} is not a positive number of milliseconds")
    return found
