"""What does the router add to a call? Requests a second and median latency with it and without it, in one run.

The load generator and the fake Triton are Python too and share the machine: trust the ratios, and the processor time of
the router's own process for each request. The last line is one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from typing import TYPE_CHECKING, NamedTuple

import grpc.aio
from router_start import REQUEST, SERVICE, fake_triton, router

from besteffort_router.wire import name_field, read_head, renamed

if TYPE_CHECKING:
    from router_start import Process

CONCURRENCIES = (1, 16)
ROUNDS = 3
WARM_UP_S = 0.3
WINDOW_S = 2.0


class Figures(NamedTuple):
    """What one window of load saw."""

    rate_rps: float
    p50_us: float


async def measure(address: str, body: bytes, concurrency: int, window_s: float) -> Figures:
    """Return what `concurrency` callers in a closed loop on one connection see."""
    waits_s: list[float] = []
    async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        call = channel.unary_unary(SERVICE + "ModelInfer")
        await call(body)
        begin_s = time.perf_counter()

        async def caller() -> None:
            while (before_s := time.perf_counter()) < begin_s + window_s:
                await call(body)
                waits_s.append(time.perf_counter() - before_s)

        await asyncio.gather(*(caller() for _ in range(concurrency)))
        return Figures(len(waits_s) / (time.perf_counter() - begin_s), statistics.median(waits_s) * 1e6)


def processor_s(process: Process) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = process.read("stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def compare(process: Process, direct: str, routed: str, concurrency: int) -> dict[str, float]:
    """Return medians over rounds that take direct and routed in turns."""
    body = renamed(REQUEST, read_head(REQUEST).own_spans, name_field("model_large"))
    await measure(routed, REQUEST, concurrency, WARM_UP_S)
    rounds = []
    for _ in range(ROUNDS):
        plain = await measure(direct, body, concurrency, WINDOW_S)
        before_s = processor_s(process)
        through = await measure(routed, REQUEST, concurrency, WINDOW_S)
        cpu_us = (processor_s(process) - before_s) / (through.rate_rps * WINDOW_S) * 1e6
        rounds.append((plain.rate_rps, through.rate_rps, through.p50_us - plain.p50_us, cpu_us))
    direct_rps, routed_rps, added_us, cpu_us = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {
        "direct_rps": round(direct_rps),
        "routed_rps": round(routed_rps),
        "ratio": round(routed_rps / direct_rps, 3),
        "added_p50_us": round(added_us),
        "router_cpu_us": round(cpu_us),
    }


async def main() -> None:
    with fake_triton() as direct, router(direct) as (process, routed):
        async with grpc.aio.insecure_channel(routed) as channel:
            is_ready = channel.unary_unary(SERVICE + "ServerReady")
            while await is_ready(b"") != b"\x08\x01":  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
        value = {f"c{count}": await compare(process, direct, routed, count) for count in CONCURRENCIES}
    for name, figures in value.items():
        print(name, *(f"{key}={number:g}" for key, number in figures.items()))
    print(json.dumps({"bar": "router-overhead", "value": value}))


if __name__ == "__main__":
    asyncio.run(main())
