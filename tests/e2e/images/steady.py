"""Ask at a steady rate, however slow the answers are, until told to stop; then say what became of every request.

One line of JSON a second tells the counts so far; on SIGTERM requests under way are awaited and the last line follows.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import json
import signal
import sys
import time

import numpy as np
import tritonclient.grpc.aio as triton
from tritonclient.utils import InferenceServerException

# Short: what is measured is who is there to answer, not how much two cores can compute.
PROMPTS = (
    ("3+4=", "addition"),
    ("reverse ab=", "reversal"),
    ("sort ba=", "sorting"),
    ("2*3=", "multiplication"),
    ("9+2=", "addition"),
)
ANSWERS_WITHIN_S = 30.0


class Steady:
    """An open loop: request n leaves n / rate seconds after the first."""

    def __init__(self, address: str, model: str, rate_rps: float, deadline_ms: int) -> None:
        self._address = address
        self._model = model
        self._rate_rps = rate_rps
        self._deadline_ms = deadline_ms
        self._stopped = asyncio.Event()
        self._offered = 0
        self._outcomes: collections.Counter[str] = collections.Counter()
        self._failures: list[str] = []
        self._sent_for_s = 0.0
        self._latencies_s: list[float] = []

    async def run(self) -> None:
        """Send until SIGTERM, then print the sum."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopped.set)
        began_s = loop.time()
        async with triton.InferenceServerClient(self._address) as client, asyncio.TaskGroup() as tasks:
            while not self._stopped.is_set():
                tasks.create_task(self._ask(client, self._offered))
                self._offered += 1
                self._sent_for_s = loop.time() - began_s
                if self._offered % max(1, round(self._rate_rps)) == 0:
                    self._say()
                await asyncio.sleep(began_s + self._offered / self._rate_rps - loop.time())
        self._say()

    async def _ask(self, client: triton.InferenceServerClient, number: int) -> None:
        prompt, task = PROMPTS[number % len(PROMPTS)]
        text = triton.InferInput("text_input", [1, 1], "BYTES")
        text.set_data_from_numpy(np.array([[prompt.encode()]], dtype=object))
        parameters = {"deadline_ms": self._deadline_ms, "task": task}
        began_s = time.monotonic()
        try:
            answer = await client.infer(self._model, [text], parameters=parameters, client_timeout=ANSWERS_WITHIN_S)
        except InferenceServerException as error:
            self._outcomes["refused" if "RESOURCE_EXHAUSTED" in str(error.status()) else "failed"] += 1
            self._failures.append(f"{time.strftime('%H:%M:%S')} {error.status()}: {error.message()}"[:300])
        else:
            self._outcomes["answered"] += 1
            self._outcomes[f"by {answer.get_response().model_name}"] += 1
            self._latencies_s.append(time.monotonic() - began_s)

    def _say(self) -> None:
        late = sum(latency_s > self._deadline_ms / 1000 for latency_s in self._latencies_s)
        p99_ms = 1000 * float(np.quantile(self._latencies_s, 0.99)) if self._latencies_s else None
        counts = {name: self._outcomes[name] for name in ("answered", "refused", "failed")}
        sizes = {name[3:]: count for name, count in self._outcomes.items() if name.startswith("by ")}
        line = {
            "offered": self._offered,
            "load_s": round(self._sent_for_s, 1),
            **counts,
            "late": late,
            "p99_ms": p99_ms,
            "sizes": sizes,
        }
        sys.stdout.write(json.dumps(line | {"failures": self._failures[-8:]}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--model", default="assistant")
    parser.add_argument("--rate-rps", type=float, default=50)
    parser.add_argument("--deadline-ms", type=int, default=8000)
    asked = parser.parse_args()
    asyncio.run(Steady(asked.address, asked.model, asked.rate_rps, asked.deadline_ms).run())


if __name__ == "__main__":
    main()
