from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import grpc
import pytest

from besteffort_cli.dataset import Row
from besteffort_cli.wire import INFER, infer_request, text_output
from besteffort_resource.service import PolicyKind
from support.processes import eventually, is_keeper, processes_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_cli.router_process import RouterProcess
    from besteffort_cli.stack import LocalStack
    from besteffort_resource.profile import Profile

    Running = tuple[LocalStack, RouterProcess, list[str]]

pytestmark = pytest.mark.triton


def ask(router: RouterProcess, prompt: str = "abcdef", deadline_s: float = 5.0) -> tuple[str, str]:
    """Send one prompt; return the answer and the size that gave it."""
    with grpc.insecure_channel(router.address) as channel:
        request = infer_request("shout", Row("long", prompt, "?"), deadline_s)
        reply, call = channel.unary_unary(INFER).with_call(request, timeout=deadline_s)
    return text_output(reply) or "", dict(call.trailing_metadata())["bes-size"]


def test_the_best_size_in_time_answers(running: Running) -> None:
    _, router, _ = running
    assert ask(router) == ("abcdef=ABCDEF", "large")


def test_another_policy_rules_as_soon_as_it_is_set(running: Running) -> None:
    stack, router, _ = running
    stack.set_policy(PolicyKind.STATIC, static_size="small")
    assert ask(router) == ("abcdef=?", "small")
    stack.set_policy(PolicyKind.STATIC, static_size="large")
    assert ask(router)[1] == "large"


def test_embedded_servers_share_a_device_and_have_metrics(running: Running) -> None:
    stack, _, _ = running
    assert {backend.sizes for backend in stack.backends} == {("small",), ("large",)}
    assert len({backend.device for backend in stack.backends}) == 1
    assert all(backend.metrics_url.endswith("/metrics") for backend in stack.backends)


def test_a_killed_router_comes_back_at_its_address(running: Running) -> None:
    stack, router, said = running
    address = router.address
    (process,) = [p for p in processes_with(f"{stack.folder}/router.json") if not is_keeper(p)]
    os.kill(process, signal.SIGKILL)
    assert eventually(lambda: "the router is back" in said)
    assert "the router died (exit status 137); starting it again in 1 s" in said
    assert stack.restarts == 1
    assert router.address == address
    assert ask(router)[0] == "abcdef=ABCDEF"


def test_served_again_a_new_router_takes_the_place_of_the_old_one(
    running: Running, profiles: Mapping[str, Profile]
) -> None:
    stack, router, said = running
    before = len(said)
    (old,) = [p for p in processes_with(f"{stack.folder}/router.json") if not is_keeper(p)]
    another = stack.serve(profiles)
    (new,) = [p for p in processes_with(f"{stack.folder}/router.json") if not is_keeper(p)]
    assert new != old
    assert another.address != router.address
    assert ask(another)[0] == "abcdef=ABCDEF"
    stack.set_policy(PolicyKind.STATIC, static_size="small")
    assert ask(another)[1] == "small"
    assert said[before:] == [], "the old one did not die, and nobody starts it anew"
