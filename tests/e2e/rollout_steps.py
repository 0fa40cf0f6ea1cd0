"""Changes under load: whatever is rolled or drained, every request is answered."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from e2e.daemons import wait_until
from e2e.steady_load import SteadyLoad

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.world import World

__all__ = ["drain_node", "roll_image", "roll_policy", "roll_router", "roll_size"]

ROLLED_WITHIN_S = 600.0


def roll_policy(world: World) -> None:
    """Another policy takes over in all routers: one by which all sizes answer, so that each is missed."""
    with _under_load(world, "policy"):
        world.patch("assistant", {"policy": {"kind": "RoundRobin", "bundle": None}})
        _await(world, lambda status: status["policy"]["kind"] == "RoundRobin")


def roll_size(world: World) -> None:
    """One size gets other pods; the others stay as they are."""
    before = _templates(world)
    with _under_load(world, "size"):
        sizes = world.get("bes", "assistant")["spec"]["sizes"]
        sizes[0]["scheduling"] = {"tolerations": [{"key": "e2e", "operator": "Exists"}]}
        world.patch("assistant", {"sizes": sizes})
        _await(world)
    changed = {name for name, template in _templates(world).items() if template != before[name]}
    assert changed == {"assistant-triton-small"}, f"changed: {changed}"


def roll_image(world: World) -> None:
    """All sizes get another image, one size at a time and with no more GPUs than before."""
    with _under_load(world, "image"):
        world.patch("assistant", {"triton": {"image": f"{world.images}-triton:next"}})
        _await(world)


def roll_router(world: World) -> None:
    """All routers get another image."""
    with _under_load(world, "router"):
        world.patch("assistant", {"router": {"image": f"{world.images}-router:next"}})
        _await(world)


def drain_node(world: World) -> None:
    """A node is drained: PodDisruptionBudgets let pods move one by one."""
    node = world.get("pods", "--selector=app.kubernetes.io/component=router")["items"][0]["spec"]["nodeName"]
    world.kubectl("delete", "pod", "client", f"--namespace={world.namespace}")
    world.kubectl("cordon", node)
    world.apply(*world.resource("client.yaml", NAME="client"))
    world.kubectl.wait(["pod/client", f"--namespace={world.namespace}"], "condition=Ready", 60)
    try:
        with _under_load(world, "drain"):
            flags = ("--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=400s")
            world.kubectl("drain", node, *flags)
            _await(world)
    finally:
        world.kubectl("uncordon", node)


@contextmanager
def _under_load(world: World, name: str) -> Iterator[None]:
    began_s = time.monotonic()
    with SteadyLoad(world, rate_rps=world.rate_rps) as load:
        yield
    world.figures[name] = load.counts | {"seconds": round(time.monotonic() - began_s, 1)}
    load.check_nothing_failed()


def _await(world: World, holds: Any = lambda _: True) -> None:
    """Wait until the operator has acted on the newest generation and all that it owns is rolled out."""
    wait_until(lambda: _is_settled(world, holds), ROLLED_WITHIN_S, lambda: str(world.get("bes", "assistant")["status"]))


def _is_settled(world: World, holds: Any) -> bool:
    service = world.get("bes", "assistant")
    status = service["status"]
    conditions = {each["type"]: each["status"] for each in status["conditions"]}
    is_current = status["observedGeneration"] == service["metadata"]["generation"]
    is_done = conditions["Ready"] == "True" and conditions["Progressing"] == "False"
    is_rolled_out = all(map(_is_rolled_out, _deployments(world))) and _none_ends(world)
    return is_current and is_done and is_rolled_out and holds(status)


def _is_rolled_out(deployment: dict[str, Any]) -> bool:
    """Tell whether all its pods are new and available."""
    status, wanted = deployment["status"], deployment["spec"]["replicas"]
    counts = [status.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")]
    return status.get("observedGeneration") == deployment["metadata"]["generation"] and counts == [wanted] * 3


def _none_ends(world: World) -> bool:
    """Tell whether the last old pod is gone too."""
    pods = world.get("pods", "--selector=app.kubernetes.io/instance=assistant")["items"]
    return not any("deletionTimestamp" in pod["metadata"] for pod in pods)


def _deployments(world: World) -> list[dict[str, Any]]:
    return list(world.get("deployments", "--selector=app.kubernetes.io/instance=assistant")["items"])


def _templates(world: World) -> dict[str, Any]:
    return {each["metadata"]["name"]: each["spec"]["template"] for each in _deployments(world)}
