"""Show what a queue policy does to a model with one instance: some requests wait up to 500 ms beside an idle model.

Any queue policy makes Triton's dynamic batcher probe for a free instance instead of waiting for one; nothing wakes it
when the instance becomes idle, so it sleeps until the next arrival or 500 ms. Run: python benchmarks/triton_stall.py
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from besteffort_cli.cores import split_cores
from besteffort_cli.installation import find_or_install, home_folder
from besteffort_cli.triton import TritonServer
from support.repository import write_model

POLICIES = {
    "none": "",
    "timeout override": "default_queue_policy { timeout_action: REJECT allow_timeout_override: true }",
    "max_queue_size 100": "default_queue_policy { max_queue_size: 100 }",
}


def request() -> service_pb2.ModelInferRequest:
    tensor = service_pb2.ModelInferRequest.InferInputTensor(name="text_input", datatype="BYTES", shape=[1, 1])
    return service_pb2.ModelInferRequest(model_name="sleep", inputs=[tensor], raw_input_contents=[b"\1\0\0\0a"])


def replay(address: str, rate_rps: float, requests: int) -> np.ndarray:
    """Send Poisson arrivals whatever becomes of them; return seconds from sending to answer."""
    gaps = np.random.default_rng(1).exponential(1 / rate_rps, requests)
    taken = np.full(requests, np.nan)
    with grpc.insecure_channel(address) as channel:
        infer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer
        infer(request(), timeout=10)
        calls = []
        at = time.perf_counter()
        for i, gap in enumerate(gaps):
            at += gap
            time.sleep(max(0.0, at - time.perf_counter()))
            sent, call = time.perf_counter(), infer.future(request(), timeout=10)
            call.add_done_callback(lambda _, i=i, sent=sent: taken.__setitem__(i, time.perf_counter() - sent))
            calls.append(call)
        for call in calls:
            call.result()
        time.sleep(0.1)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.02, help="what a batch takes (default %(default)s)")
    parser.add_argument("--rate", type=float, default=10.0, help="requests a second (default %(default)s)")
    parser.add_argument("--requests", type=int, default=300, help="for each policy (default %(default)s)")
    arguments = parser.parse_args()
    installation = find_or_install(home_folder(), print)
    print(f"batch {1000 * arguments.seconds:.0f} ms, {arguments.rate:g} requests/s, {arguments.requests} requests")
    print(f"{'queue policy':20} {'p50 ms':>8} {'p90 ms':>8} {'p99 ms':>8} {'max ms':>8} {'over 200 ms':>12}")
    for name, batching in POLICIES.items():
        with tempfile.TemporaryDirectory() as folder:
            model = write_model(Path(folder), "sleep", seconds=arguments.seconds, batching=batching)
            server = TritonServer(
                "stall", installation, {"sleep": model}, folder=Path(folder), cores=split_cores().servers
            )
            server.start()
            try:
                server.wait_until_ready(threading.Event())
                taken = 1000 * replay(server.address, arguments.rate, arguments.requests)
            finally:
                server.stop()
        p50, p90, p99, most = np.percentile(taken, (50, 90, 99, 100))
        print(f"{name:20} {p50:8.1f} {p90:8.1f} {p99:8.1f} {most:8.1f} {(taken > 200).sum():12d}", flush=True)


if __name__ == "__main__":
    main()
