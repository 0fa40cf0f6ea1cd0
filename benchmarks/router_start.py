"""How fast does a router start and how much memory does it hold? Real processes, a fake Triton behind it.

The last line is one JSON object. Goal: from process start to ServerReady in 1 s (median of 5 starts), 120 MB resident
after 200 requests, torch never loaded.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from besteffort_router.wire import name_field

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["REQUEST", "SERVICE", "Process", "fake_triton", "router"]

FAKE = Path(__file__).parents[1] / "tests" / "support" / "fake_triton.py"
SERVICE = "/inference.GRPCInferenceService/"
REQUEST = name_field("assistant") + b"\x3a\x80\x02" + b"x" * 256
STARTS = 5
REQUESTS = 200
GOAL = {"ready_s": 1.0, "rss_mb": 120.0, "torch": False}
PATIENCE_S = 60.0


class Process:
    """A program that prints one line when it serves."""

    def __init__(self, *words: str) -> None:
        self.started_s = time.monotonic()
        self._process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.line = self._process.stdout.readline()

    def read(self, name: str) -> str:
        """Return a file of /proc about the process."""
        return Path(f"/proc/{self._process.pid}/{name}").read_text()

    def stop(self) -> None:
        """End the program."""
        self._process.terminate()
        self._process.communicate()


@contextmanager
def fake_triton() -> Iterator[str]:
    """Yield the address of a server of one model that answers at once."""
    process = Process(str(FAKE), "model_large")
    try:
        yield f"127.0.0.1:{process.line.strip()}"
    finally:
        process.stop()


@contextmanager
def router(backend: str) -> Iterator[tuple[Process, str]]:
    """Yield a router before `backend`, and its address."""
    config = {
        "modelName": "assistant",
        "deadline": {"defaultS": 5, "maxS": 10},
        "tasks": ["arithmetic"],
        "sizes": [
            {"name": "large", "model": "model_large", "quality": 0.8, "latency": [{"batch": 8, "seconds": 0.01}]},
        ],
        "backends": [{"name": "large-0", "address": backend, "sizes": ["large"]}],
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.json"
        file.write_text(json.dumps(config))
        ports = ("--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0")
        process = Process("-m", "besteffort_router", "--config", str(file), *ports)
        try:
            found = re.search(r"grpc=(\S+)", process.line)
            assert found, process.line
            yield process, found[1]
        finally:
            process.stop()


def measure_start(backend: str) -> tuple[float, float, bool]:
    """Return seconds until ready, MB resident after the requests, and whether torch is loaded, of one start."""
    with router(backend) as (process, address), grpc.insecure_channel(address) as channel:
        is_ready = channel.unary_unary(SERVICE + "ServerReady")
        while is_ready(b"", wait_for_ready=True, timeout=PATIENCE_S) != b"\x08\x01":
            assert time.monotonic() < process.started_s + PATIENCE_S, "never ready"
            time.sleep(0.001)
        ready_s = time.monotonic() - process.started_s
        infer = channel.unary_unary(SERVICE + "ModelInfer")
        for _ in range(REQUESTS):
            infer(REQUEST)
        resident = re.search(r"VmRSS:\s+(\d+) kB", process.read("status"))
        assert resident
        return ready_s, int(resident[1]) * 1024 / 1e6, "torch" in process.read("maps")


def main() -> None:
    with fake_triton() as backend:
        starts = [measure_start(backend) for _ in range(STARTS)]
    for ready_s, rss_mb, torch in starts:
        print(f"ready in {ready_s:.3f} s, {rss_mb:.1f} MB, torch {torch}")
    ready_s, rss_mb = (statistics.median(start[place] for start in starts) for place in (0, 1))
    torch = any(start[2] for start in starts)
    report = {
        "bar": "router-start",
        "value": {"ready_s": round(ready_s, 3), "rss_mb": round(rss_mb, 1), "torch": torch},
        "goal": GOAL,
        "holds": ready_s <= GOAL["ready_s"] and rss_mb <= GOAL["rss_mb"] and not torch,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
