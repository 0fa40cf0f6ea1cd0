"""What else the gRPC port answers: health checks, KEDA, TLS."""

from __future__ import annotations

import asyncio
import ssl
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from besteffort.v1 import external_scaler_pb2 as keda
from besteffort_router import watching
from besteffort_router.__main__ import build_router
from besteffort_router.certificate import Certificate
from besteffort_router.config import load_settings
from support.certificates import self_signed, write_pair
from support.fake_triton import FakeTriton
from support.router import config, request_bytes, write
from support.routing import FREE, Routing, backends, infer, routing, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CHECK, WATCH = "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"
SERVING, NOT_SERVING, UNKNOWN = b"\x08\x01", b"\x08\x02", b"\x08\x03"
SERVED = b"\x0a\x1einference.GRPCInferenceService"
SCALER = "/externalscaler.ExternalScaler/"


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Routing]:
    async with routing(tmp_path) as found:
        yield found


async def test_health_is_that_of_the_router_and_of_its_service(up: Routing) -> None:
    async with up.channel() as channel:
        check = channel.unary_unary(CHECK)
        assert await check(b"") == SERVING
        assert await check(SERVED) == SERVING
        for fake in up.fakes.values():
            fake.models.clear()
        await until(lambda: not up.dispatch.ready())
        assert await check(b"") == NOT_SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await check(b"\x0a\x05other")
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_watch_tells_each_change_and_ends_when_the_router_drains(tmp_path: Path) -> None:
    async with routing(tmp_path, stopped=True) as up, up.channel() as channel:
        watch, unknown = channel.unary_stream(WATCH)(b""), channel.unary_stream(WATCH)(b"\x0a\x05other")
        assert await watch.read() == SERVING
        assert await unknown.read() == UNKNOWN
        stopping = asyncio.ensure_future(up.router.stop(10.0))
        assert await watch.read() == NOT_SERVING
        assert await watch.read() is grpc.aio.EOF
        assert await unknown.read() is grpc.aio.EOF
        async with asyncio.timeout(5.0):
            await stopping


async def test_watches_are_bounded_and_leave_room_for_requests(up: Routing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST", 2)
    async with up.channel() as channel:
        streams = [channel.unary_stream(WATCH)(b"") for _ in range(2)]
        assert [await stream.read() for stream in streams] == [SERVING, SERVING]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_stream(WATCH)(b"").read()
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        streams[0].cancel()
        await until(lambda: up.router._handlers[1]._watching._open == 1)
        assert await channel.unary_stream(WATCH)(b"").read() == SERVING
        streams[1].cancel()


def ask(channel: grpc.aio.Channel, method: str, answer: type) -> grpc.aio.UnaryUnaryMultiCallable[Any, Any]:
    return channel.unary_unary(
        SCALER + method, request_serializer=lambda m: m.SerializeToString(), response_deserializer=answer.FromString
    )


async def test_keda_gets_its_metric_and_what_the_policy_sees_as_backlog(up: Routing) -> None:
    trigger = keda.ScaledObjectRef(name="assistant", scalerMetadata={"targetBacklogMs": "150", "size": "large"})
    everything = keda.ScaledObjectRef(scalerMetadata={"targetBacklogMs": "150"})
    lanes = up.dispatch.load.lanes
    lanes[0].others, lanes[2].others = 4, 8
    async with up.channel() as channel:
        spec = await ask(channel, "GetMetricSpec", keda.GetMetricSpecResponse)(trigger)
        assert [(s.metricName, s.targetSize, s.targetSizeFloat) for s in spec.metricSpecs] == [("backlog_ms", 150, 150)]
        metrics = ask(channel, "GetMetrics", keda.GetMetricsResponse)
        (large,) = (await metrics(keda.GetMetricsRequest(scaledObjectRef=trigger, metricName="x"))).metricValues
        (both,) = (await metrics(keda.GetMetricsRequest(scaledObjectRef=everything))).metricValues
        up.fakes["large-0"].models = set()
        await until(lambda: not lanes[2].ready)
        (without,) = (await metrics(keda.GetMetricsRequest(scaledObjectRef=everything))).metricValues
    seconds = up.dispatch.load.backlogs_s(0.0, up.dispatch.settings.pool)
    assert large.metricValueFloat == pytest.approx(1000 * seconds[2])
    assert large.metricValue >= large.metricValueFloat > 0.0
    assert both.metricValueFloat == pytest.approx(1000 * (seconds[0] + seconds[2]))
    assert without.metricValueFloat == pytest.approx(1000 * seconds[0]), "what is not ready has no work to wait for"


async def test_keda_hears_whether_there_is_work_by_call_and_by_stream(up: Routing) -> None:
    trigger = keda.ScaledObjectRef()
    async with up.channel() as channel:
        active = ask(channel, "IsActive", keda.IsActiveResponse)
        stream = channel.unary_stream(SCALER + "StreamIsActive")(b"")
        assert not (await active(trigger)).result
        assert not keda.IsActiveResponse.FromString(await stream.read()).result
        await infer(channel)(request_bytes())
        assert (await active(trigger)).result
        assert keda.IsActiveResponse.FromString(await stream.read()).result
        stream.cancel()


@pytest.mark.parametrize(
    ("method", "metadata", "sentence"),
    [
        ("GetMetricSpec", {}, "scalerMetadata.targetBacklogMs: '' is not a positive number of milliseconds"),
        ("GetMetricSpec", {"targetBacklogMs": "-5"}, "scalerMetadata.targetBacklogMs: '-5' is not a positive number"),
        ("GetMetrics", {"size": "huge"}, "scalerMetadata.size: 'huge' is not one of small, medium, large"),
    ],
)
async def test_a_trigger_that_is_wrong_is_told_so(
    up: Routing, method: str, metadata: dict[str, str], sentence: str
) -> None:
    trigger = keda.ScaledObjectRef(scalerMetadata=metadata)
    question = trigger if method == "GetMetricSpec" else keda.GetMetricsRequest(scaledObjectRef=trigger)
    async with up.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(channel, method, keda.GetMetricSpecResponse)(question)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert sentence in (caught.value.details() or "")


@asynccontextmanager
async def secured(tmp_path: Path, pair: tuple[bytes, bytes]) -> AsyncIterator[int]:
    """Yield the port of a router that speaks TLS, its files in tmp_path/tls."""
    (tmp_path / "tls").mkdir()
    certificate = Certificate(*write_pair(tmp_path / "tls", pair))
    async with FakeTriton("model_large") as fake:
        file = write(tmp_path / "config.json", config(backends=backends({"large-0": fake})))
        router = build_router(file, load_settings(file))
        ports = await router.start(FREE, FREE, certificate)
        try:
            await until(router._dispatch.ready)
            yield ports.grpc
        finally:
            await router.stop(0.0)


async def presented(port: int) -> bytes:
    """Return the certificate that a new connection is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return ssl.DER_cert_to_PEM_cert(shown).encode()


async def test_a_stock_client_speaks_tls_and_one_without_is_turned_away(tmp_path: Path) -> None:
    pair = self_signed()
    async with secured(tmp_path, pair) as port:
        credentials = grpc.ssl_channel_credentials(pair[0])
        async with grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel:
            assert await infer(channel)(request_bytes()) == b"\x0a\x05model"
        async with grpc.aio.insecure_channel(f"localhost:{port}") as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await infer(channel)(request_bytes(), timeout=5.0)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on(tmp_path: Path) -> None:
    first, second = self_signed("first"), self_signed("second")
    async with secured(tmp_path, first) as port:
        credentials = grpc.ssl_channel_credentials(first[0])
        async with grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel:
            await infer(channel)(request_bytes())
            write_pair(tmp_path / "tls", second)
            assert await presented(port) == second[0]
            assert await infer(channel)(request_bytes()) == b"\x0a\x05model"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--tls-cert", "x.pem"), "--tls-cert and --tls-key go together"),
        (("--tls-cert", "x.pem", "--tls-key", "y.pem"), "--tls-cert x.pem: cannot be read (No such file or directory)"),
    ],
)
async def test_wrong_tls_options_are_one_sentence(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    file = write(tmp_path / "config.json", config())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "besteffort_router", "--config", str(file), *words, stderr=asyncio.subprocess.PIPE
    )
    _, error = await asyncio.wait_for(process.communicate(), 60.0)
    assert process.returncode != 0
    assert sentence.encode() in error
    assert b"Traceback" not in error
