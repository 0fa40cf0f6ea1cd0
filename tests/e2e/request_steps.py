"""Requests as an application sends them: through the Service, in a burst, through a router in its own pod."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from cluster.errors import CommandError
from e2e.installation_steps import READY_WITHIN_S, await_ready

if TYPE_CHECKING:
    from e2e.world import World

__all__ = ["ask", "ask_through_sidecar", "burst"]

TRIES = 20
# Below what makes grpc itself refuse: 512 requests in two seconds.
BURST_RPS = 200
BURST_S = 10
COUNT = """
import sys, urllib.request
for url in sys.argv[1:]:
    for line in urllib.request.urlopen(url, timeout=5).read().decode().splitlines():
        if line.startswith("besteffort_router_requests_total{"):
            print(line.rpartition(" ")[2])
"""


def ask(world: World) -> None:
    """A stock Triton client gets an answer through the Service's name."""
    assert "ytrewq" in _asked(world, "assistant:8001", pod="client")


def burst(world: World) -> None:
    """More requests than the machine can answer: each is answered or refused, and the routers count the same."""
    before = _counted(world)
    words = ("--model", "assistant", "--rate-rps", BURST_RPS, "--length-s", BURST_S, "--deadline-ms", 2000)
    prompts = ("--prompts", "/opt/demo/prompts.jsonl")
    said = world.in_client("besteffort", "load", "assistant:8001", *words, *prompts, "--output", "json")
    result = json.loads(said)["rounds"][0]
    world.figures["burst"] = result
    ended = sum(result[outcome] for outcome in ("in_time", "late", "refused"))
    assert result["offered"] == ended, f"some requests of the burst had no answer: {result}"
    counted = _counted(world) - before
    # What the client gave up before it was sent, no router has seen.
    seen = result["in_time"] + result["refused"]
    assert seen <= counted <= result["offered"], f"the routers counted {counted} requests, the client {result}"


def ask_through_sidecar(world: World) -> None:
    """A pod with the label gets a router beside it, which answers on loopback."""
    world.apply(*world.resource("beside.yaml"))
    await_ready(world, "beside")
    client = world.resource("client.yaml", NAME="client-beside")[0]
    client["metadata"]["labels"] = {"serving.besteffort.dev/inject": "beside"}
    world.apply(client)
    world.kubectl.wait(["pod/client-beside", f"--namespace={world.namespace}"], "condition=Ready", READY_WITHIN_S)
    pod = world.get("pod", "client-beside")
    assert [each["restartPolicy"] for each in pod["spec"].get("initContainers", [])] == ["Always"], "nothing injected"
    assert "ytrewq" in _asked(world, "127.0.0.1:8001", pod="client-beside", model="beside")


def _asked(world: World, address: str, *, pod: str, model: str = "assistant") -> str:
    """Ask until the routers have seen their servers; a cold server may miss the first deadlines."""
    for tried in range(TRIES):
        try:
            return world.in_client(
                "python", "/opt/demo/client.py", "reverse qwerty=", address, "--model", model, pod=pod
            )
        except CommandError:
            if tried == TRIES - 1:
                raise
            time.sleep(1)
    raise AssertionError


def _counted(world: World) -> int:
    """Return how many requests all routers of the service have ended."""
    found = world.get("pods", "--selector=app.kubernetes.io/instance=assistant,serving.besteffort.dev/role=router")
    urls = [f"http://{_address(pod)}:9090/metrics" for pod in found["items"]]
    return round(sum(map(float, world.in_client("python", "-c", COUNT, *urls).split())))


def _address(pod: dict[str, Any]) -> str:
    return str(pod["status"]["podIP"])
