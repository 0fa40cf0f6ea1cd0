"""The operator's metrics and pages."""

from __future__ import annotations

import aiohttp
import pytest

from besteffort_operator.errors import ConflictError, ListenError
from besteffort_operator.metrics import Metrics, serving
from besteffort_operator.reconcile import Outcome
from besteffort_operator.work import Key

A, B = Key("models", "a"), Key("models", "b")


def line(metrics: Metrics, name: str) -> str:
    (found,) = [text for text in metrics.page().decode().splitlines() if text.startswith(name + " ")]
    return found.rpartition(" ")[2]


async def test_services_are_counted_by_their_readiness_until_they_are_gone() -> None:
    metrics = Metrics(queued=int)

    async def count(key: Key, outcome: Outcome) -> None:
        async def reconcile(_: Key) -> Outcome:
            return outcome

        assert await metrics.measured(reconcile, key) == outcome.again_s

    await count(A, Outcome("changed", ready=True, again_s=3.0))
    await count(B, Outcome("changed", ready=False))
    assert line(metrics, 'besteffort_operator_services{ready="true"}') == "1.0"
    assert line(metrics, 'besteffort_operator_services{ready="false"}') == "1.0"
    await count(B, Outcome("gone"))
    assert line(metrics, 'besteffort_operator_services{ready="false"}') == "0.0"
    assert line(metrics, 'besteffort_operator_reconcile_seconds_count{result="changed"}') == "2.0"


@pytest.mark.parametrize(
    ("error", "reason"), [(ConflictError("somebody wrote"), "Conflict"), (KeyError("labels"), "Unexpected")]
)
async def test_an_error_is_counted_by_its_kind_and_goes_on(error: Exception, reason: str) -> None:
    metrics = Metrics(queued=int)

    async def reconcile(_: Key) -> Outcome:
        raise error

    with pytest.raises(type(error)):
        await metrics.measured(reconcile, A)
    assert line(metrics, f'besteffort_operator_reconcile_errors_total{{reason="{reason}"}}') == "1.0"
    assert line(metrics, 'besteffort_operator_reconcile_seconds_count{result="error"}') == "1.0"


async def test_the_pages_say_alive_at_once_and_ready_when_it_is() -> None:
    ready = False
    async with (
        serving(Metrics(queued=lambda: 7), ("127.0.0.1", 0), lambda: ready) as address,
        aiohttp.ClientSession(f"http://{address}") as session,
    ):
        async with session.get("/healthz") as answer:
            assert answer.status == 200
        async with session.get("/readyz") as answer:
            assert answer.status == 503
        ready = True
        async with session.get("/readyz") as answer:
            assert answer.status == 200
        async with session.get("/metrics") as answer:
            assert "besteffort_operator_queued 7.0" in await answer.text()


async def test_an_address_that_is_taken_is_said_with_the_flag_that_names_another() -> None:
    async with serving(Metrics(queued=int), ("127.0.0.1", 0), bool) as address:
        host, _, port = address.rpartition(":")
        with pytest.raises(ListenError) as raised:
            async with serving(Metrics(queued=int), (host, int(port)), bool):
                pass
    words = str(raised.value).casefold()
    assert words == f"cannot answer at {address} (address already in use); name another with --metrics host:port"
