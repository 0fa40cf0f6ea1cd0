"""Send requests at their scheduled times, whatever becomes of the earlier ones, and record what becomes of each.

The loop is open: a slow server does not slow the sender, and latency counts from the scheduled arrival. It judges
answers but sums nothing up.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

from besteffort_cli.dataset import Row, is_right
from besteffort_cli.errors import ServerError
from besteffort_cli.record import Outcome, Record
from besteffort_cli.wire import (
    INFER,
    MODEL_READY,
    SERVER_LIVE,
    infer_request,
    read_trailers,
    ready_request,
    says_ready,
    text_output,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    _Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]

__all__ = ["prompt_order", "replay"]

_OPTIONS = (
    ("grpc.enable_retries", 0),  # a retry inside the channel would hide a failure
    ("grpc.enable_http_proxy", 0),  # a proxy between would be measured too
)
_CONNECT_S = 10.0
_FIRST_SEND_S = 0.05
_PROGRESS_S = 0.25


def replay(  # noqa: PLR0913 - all that makes a replay; the last ones have defaults
    address: str,
    model_name: str,
    arrivals_s: Iterable[float],
    rows: Sequence[Row],
    deadline_s: float,
    *,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[Record]:
    """Replay sorted arrivals (seconds since the start) against a server; one record for each, in their order.

    progress is called a few times a second with the number of requests that have ended. Ctrl-C ends the replay:
    what is open or was not sent is recorded as cancelled.

    Raises:
        ServerError: no server answers at the address, or it says that the model is not ready.
    """
    offsets = [float(offset) for offset in arrivals_s]
    plan = _Plan(tuple(offsets), tuple(rows), prompt_order(len(rows), len(offsets), seed), deadline_s)
    requests = [infer_request(model_name, row, deadline_s) for row in rows]
    records = asyncio.run(_connected(address, model_name, plan, requests, progress))
    assert len(records) == len(offsets), "every request has exactly one outcome"
    return records


def prompt_order(rows: int, requests: int, seed: int) -> tuple[int, ...]:
    """Shuffle the rows by the seed and repeat that order until every request has one."""
    order = list(range(rows))
    random.Random(seed).shuffle(order)  # noqa: S311 - repeatable, not secret
    return tuple(itertools.islice(itertools.cycle(order), requests))


@dataclass(frozen=True)
class _Plan:
    offsets_s: tuple[float, ...]
    rows: tuple[Row, ...]
    order: tuple[int, ...]
    deadline_s: float


async def _connected(
    address: str,
    model_name: str,
    plan: _Plan,
    requests: Sequence[bytes],
    progress: Callable[[int], None] | None,
) -> list[Record]:
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        await _warm_up(channel, address)
        if not await _has_model(channel, model_name):
            raise ServerError(f"{address} has no ready model {model_name!r}; give the name of one that it serves.")
        sender = _Sender(plan, requests, channel)
        watching = asyncio.create_task(_watch(sender, progress)) if progress else None
        try:
            return await sender.run()
        finally:
            if watching:
                watching.cancel()


async def _warm_up(channel: grpc.aio.Channel, address: str) -> None:
    """Connect and call once, so that the first request pays for neither."""
    live: _Call = channel.unary_unary(SERVER_LIVE)
    try:
        await live(b"", timeout=_CONNECT_S)
    except grpc.aio.AioRpcError as error:
        raise ServerError(f"No inference server answers at {address}; start it or give another ADDRESS.") from error


async def _has_model(channel: grpc.aio.Channel, model_name: str) -> bool:
    """Tell whether the server says so; one that cannot say is believed to have it."""
    ask: _Call = channel.unary_unary(MODEL_READY)
    try:
        return says_ready(await ask(ready_request(model_name), timeout=_CONNECT_S))
    except grpc.aio.AioRpcError:
        return True


async def _watch(sender: _Sender, progress: Callable[[int], None]) -> None:
    while True:
        progress(sender.ended)
        await asyncio.sleep(_PROGRESS_S)


class _Sender:
    """One replay on one channel."""

    def __init__(self, plan: _Plan, requests: Sequence[bytes], channel: grpc.aio.Channel) -> None:
        self._plan = plan
        self._requests = requests
        self._infer: _Call = channel.unary_unary(INFER)
        self._records: list[Record | None] = [None] * len(plan.offsets_s)
        self._loop = asyncio.get_running_loop()
        self.ended = 0

    async def run(self) -> list[Record]:
        """Send all, wait for all; on cancellation end what is open."""
        start_s = self._loop.time() + _FIRST_SEND_S
        with contextlib.suppress(asyncio.CancelledError):
            async with asyncio.TaskGroup() as calls:
                for index, offset_s in enumerate(self._plan.offsets_s):
                    await asyncio.sleep(max(0.0, start_s + offset_s - self._loop.time()))
                    calls.create_task(self._ask(index, start_s + offset_s))
        return [record or self._cancelled(index) for index, record in enumerate(self._records)]

    async def _ask(self, index: int, due_s: float) -> None:
        """Send one request and record its outcome; nothing is recorded if it is cancelled."""
        plan = self._plan
        lag_s = self._loop.time() - due_s
        row = plan.rows[plan.order[index]]
        call = self._infer(self._requests[plan.order[index]], timeout=max(0.0, plan.deadline_s - lag_s))
        try:
            reply = await call
        except grpc.aio.AioRpcError as error:
            outcome = _without_answer(error)
            said, text, right = read_trailers(error.trailing_metadata()), None, False
            reason = said.refused or error.code().name.lower()
        else:
            said, text = read_trailers(await call.trailing_metadata()), text_output(reply)
            right = text is not None and is_right(row, text)
            late = self._loop.time() - due_s > plan.deadline_s
            outcome = Outcome.LATE if late else Outcome.FAILED if text is None else Outcome.IN_TIME
            reason = said.reason if text is not None else "no_text_output"
        latency_s = self._loop.time() - due_s
        self.ended += 1
        self._records[index] = Record(
            plan.offsets_s[index],
            row.task,
            outcome,
            latency_s,
            lag_s,
            answered=text is not None,
            size=said.size,
            reason=reason,
            right=right,
            quality=said.quality,
        )

    def _cancelled(self, index: int) -> Record:
        task = self._plan.rows[self._plan.order[index]].task
        return Record(self._plan.offsets_s[index], task, Outcome.CANCELLED, 0.0, 0.0)


def _without_answer(error: grpc.aio.AioRpcError) -> Outcome:
    """Read the outcome from a call that ended in an error."""
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Outcome.LATE
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED or read_trailers(error.trailing_metadata()).refused:
        return Outcome.REFUSED
    return Outcome.FAILED
