from __future__ import annotations

from typing import Any

from besteffort_operator.manifests.metadata import WANTED_ANNOTATION, digest
from besteffort_operator.rollout import gated
from besteffort_operator.workload import TEMPLATE, WAITS_FOR
from support.live import deployment


def template(image: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "triton", "image": image}]}}


def wanted(size: str, image: str = "triton:2", replicas: int = 2, max_surge: int = 0) -> dict[str, Any]:
    made = deployment(f"s-triton-{size}", size=size, wanted=replicas, template=template(image), max_surge=max_surge)
    del made["status"]
    made["metadata"]["annotations"] = {}
    return made


def live(size: str, image: str = "triton:1", **how: Any) -> dict[str, Any]:
    """A Deployment that was let to take `image`, with a default that the API server has filled in."""
    annotations = {TEMPLATE: digest(template(image))}
    made = deployment(f"s-triton-{size}", size=size, annotations=annotations, **({"wanted": 2, "revision": 2} | how))
    made["spec"]["template"] = template(image) | {"restartPolicy": "Always"}
    return made


def images(manifests: list[dict[str, Any]]) -> dict[str, str]:
    found = {}
    for manifest in manifests:
        image = manifest["spec"]["template"]["spec"]["containers"][0]["image"]
        found[manifest["metadata"]["name"].removeprefix("s-triton-")] = image.removeprefix("triton:")
    return found


def waiting(manifests: list[dict[str, Any]]) -> dict[str, str]:
    return {
        manifest["metadata"]["name"].removeprefix("s-triton-"): manifest["metadata"]["annotations"][WAITS_FOR]
        for manifest in manifests
        if WAITS_FOR in manifest["metadata"]["annotations"]
    }


def test_at_first_all_are_made_at_once() -> None:
    made = gated([wanted("a"), wanted("b")], [])
    assert images(made) == {"a": "2", "b": "2"}
    assert not waiting(made)


def test_of_two_that_serve_one_changes_and_the_other_waits_for_it() -> None:
    made = gated([wanted("a"), wanted("b")], [live("a"), live("b")])
    assert images(made) == {"a": "2", "b": "1"}
    assert waiting(made) == {"b": "s-triton-a"}


def test_one_that_waits_still_gets_everything_but_its_template() -> None:
    _, held = gated([wanted("a"), wanted("b", replicas=5)], [live("a"), live("b")])
    assert held["spec"]["replicas"] == 5
    assert held["spec"]["template"] == live("b")["spec"]["template"]


def test_the_other_waits_until_the_first_is_complete() -> None:
    changing = live("a", "triton:2", ready=1, rolled_out=False)
    assert images(gated([wanted("a"), wanted("b")], [changing, live("b")])) == {"a": "2", "b": "1"}
    complete = live("a", "triton:2")
    assert images(gated([wanted("a"), wanted("b")], [complete, live("b")])) == {"a": "2", "b": "2"}


def test_one_that_its_controller_has_not_looked_at_yet_is_not_complete() -> None:
    unseen = live("a", "triton:2", observed=False, revision=1)
    assert images(gated([wanted("a"), wanted("b")], [unseen, live("b")])) == {"a": "2", "b": "1"}


def test_a_change_that_is_stuck_stays_with_its_size() -> None:
    stuck = live("a", "triton:2", ready=1, overdue=True, rolled_out=False)
    made = gated([wanted("a"), wanted("b"), wanted("c")], [stuck, live("b"), live("c")])
    assert images(made) == {"a": "2", "b": "1", "c": "1"}
    assert waiting(made) == {"b": "s-triton-a", "c": "s-triton-a"}


def test_a_stuck_change_can_be_mended_at_once_even_while_another_size_changes() -> None:
    stuck = live("b", "triton:2", ready=0, overdue=True, rolled_out=False)
    changing = live("a", "triton:3", ready=1, rolled_out=False)
    made = gated([wanted("a", "triton:3"), wanted("b", "triton:3")], [changing, stuck])
    assert images(made) == {"a": "3", "b": "3"}


def test_of_those_that_want_to_change_the_one_with_least_to_lose_is_first() -> None:
    limping = live("b", "triton:2", ready=1, overdue=True, rolled_out=False)
    made = gated([wanted("a", "triton:3"), wanted("b", "triton:3")], [live("a", "triton:2"), limping])
    assert images(made) == {"a": "2", "b": "3"}
    assert waiting(made) == {"a": "s-triton-b"}


def test_sizes_that_serve_nothing_all_change_at_once() -> None:
    broken = [live(name, ready=0, rolled_out=False) for name in ("a", "b", "c")]
    made = gated([wanted("a"), wanted("b"), wanted("c")], broken)
    assert images(made) == {"a": "2", "b": "2", "c": "2"}


def alone(*others: dict[str, Any], max_surge: int = 0) -> dict[str, str]:
    """b, the last server of all, is to change; what runs then."""
    names = [other["metadata"]["labels"]["serving.besteffort.dev/size"] for other in others]
    made = gated(
        [*(wanted(name, replicas=1) for name in names), wanted("b", replicas=1, max_surge=max_surge)],
        [*others, live("b", wanted=1)],
    )
    return images(made) | {f"{name} waits": whom for name, whom in waiting(made).items()}


def test_the_last_one_to_serve_waits_for_pods_that_were_lost_after_a_change() -> None:
    lost = live("a", "triton:2", wanted=1, ready=0)
    assert alone(lost) == {"a": "2", "b": "1", "b waits": "s-triton-a"}
    assert alone(live("a", "triton:2", wanted=1)) == {"a": "2", "b": "2"}


def test_the_last_one_to_serve_waits_for_a_new_size_that_still_starts() -> None:
    starting = live("a", "triton:2", wanted=1, ready=0, rolled_out=False, revision=1)
    assert alone(starting) == {"a": "2", "b": "1", "b waits": "s-triton-a"}


def test_the_last_one_to_serve_waits_for_one_that_lost_its_node_and_takes_the_change_first() -> None:
    assert alone(live("a", wanted=1, ready=0)) == {"a": "2", "b": "1", "b waits": "s-triton-a"}


def test_the_last_one_to_serve_changes_where_its_successor_comes_first_or_where_no_other_is_wanted() -> None:
    lost = live("a", "triton:2", wanted=1, ready=0)
    assert alone(lost, max_surge=1) == {"a": "2", "b": "2"}
    assert alone() == {"b": "2"}
    assert images(gated([wanted("b", replicas=1)], [lost, live("b", wanted=1)])) == {"b": "2"}


def test_of_two_servers_one_goes_on_so_that_nobody_is_waited_for() -> None:
    lost = live("a", "triton:2", ready=0)
    assert images(gated([wanted("a"), wanted("b")], [lost, live("b")])) == {"a": "2", "b": "2"}
    starting = live("a", "triton:2", ready=0, rolled_out=False, revision=1)
    assert images(gated([wanted("a"), wanted("b")], [starting, live("b")])) == {"a": "2", "b": "2"}


def test_of_a_scaled_deployment_as_many_servers_count_as_there_are() -> None:
    scaled, lost = wanted("b"), live("a", "triton:2", ready=0)
    del scaled["spec"]["replicas"]
    assert waiting(gated([wanted("a"), scaled], [lost, live("b", wanted=1)])) == {"b": "s-triton-a"}
    assert not waiting(gated([wanted("a"), scaled], [lost, live("b", wanted=2)]))


def test_a_template_that_somebody_edited_is_put_right_whoever_changes() -> None:
    edited = live("b", "triton:2")
    edited["spec"]["template"] = template("triton:edited")
    changing = live("a", "triton:2", ready=1, rolled_out=False)
    assert images(gated([wanted("a"), wanted("b")], [changing, edited])) == {"a": "2", "b": "2"}


def test_a_deletion_leaves_no_trace_in_the_others() -> None:
    made = gated([wanted("b")], [live("a", "triton:2", ready=0, rolled_out=False), live("b")])
    assert images(made) == {"b": "2"}
    assert not waiting(made)


def test_other_objects_and_other_deployments_pass_as_they_are() -> None:
    router = deployment("s-router", "router")
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s-router"}}
    assert gated([config, router], [deployment("s-router", "router", rolled_out=False)]) == [config, router]


def test_the_fingerprint_covers_what_the_gate_wrote() -> None:
    first, second = gated([wanted("a"), wanted("b")], [live("a"), live("b")])
    (after,) = gated([wanted("b")], [live("b")])
    prints = [manifest["metadata"]["annotations"][WANTED_ANNOTATION] for manifest in (first, second, after)]
    assert len(set(prints)) == 3


def test_a_change_goes_through_three_sizes_one_after_the_other() -> None:
    """Play a controller that completes what was applied: never are two changing, and all arrive."""
    state = {name: live(name) for name in ("a", "b", "c")}
    order = []
    for _ in range(10):
        made = gated([wanted(name) for name in state], list(state.values()))
        new = images(made)
        begun = [name for name in state if images([state[name]])[name] != new[name]]
        assert len(begun) <= 1
        if not begun:
            break
        order += begun
        state[begun[0]] = live(begun[0], "triton:2", ready=1, rolled_out=False)
        held = images(gated([wanted(name) for name in state], list(state.values())))
        assert held == {name: images([state[name]])[name] for name in state}
        state[begun[0]] = live(begun[0], "triton:2")
    assert order == ["a", "b", "c"]
