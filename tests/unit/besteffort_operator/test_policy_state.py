from __future__ import annotations

import pytest

from besteffort_operator.policy_state import SILENT_S, policy_state
from besteffort_operator.reasons import Reason
from besteffort_operator.router_report import PolicyReport
from besteffort_resource.policy import Canary, Policy
from support.live import heard

LEARNED = Policy.model_validate({"kind": "Learned", "bundle": {"configMapRef": {"name": "p", "key": "p.safetensors"}}})
OLD, NEW = "a" * 64, "b" * 64


def running(
    digest: str = OLD, *, kind: str = "Learned", mode: str = "Enforce", at_s: float = 1.0, error: str = ""
) -> PolicyReport:
    return PolicyReport(kind, mode, digest, at_s, error)


def test_all_routers_run_one_bundle() -> None:
    state = policy_state(LEARNED, [heard("a", policy=running(at_s=1.0)), heard("b", policy=running(at_s=5.0))])
    assert state.finding.reason is Reason.LOADED
    assert (state.digest, state.agreeing, state.routers, state.loaded_at_s) == (OLD, 2, 2, 5.0)
    assert state.finding.sentence == "Learned aaaaaaaaaaaa in mode Enforce on 2 of 2 routers"


def test_while_a_new_bundle_spreads_most_routers_speak_for_all() -> None:
    routers = [heard("a", policy=running(NEW, at_s=9.0)), *(heard(name, policy=running()) for name in ("b", "c"))]
    state = policy_state(LEARNED, routers)
    assert (state.digest, state.agreeing, state.routers) == (OLD, 2, 3)
    assert state.finding.reason is Reason.CHANGE_SPREADING
    assert "aaaaaaaaaaaa, bbbbbbbbbbbb" in state.finding.sentence


def test_of_two_that_differ_the_one_that_changed_last_speaks() -> None:
    routers = [heard("a", policy=running(NEW, at_s=9.0)), heard("b", policy=running(at_s=1.0))]
    assert policy_state(LEARNED, routers).digest == NEW
    assert policy_state(LEARNED, routers[::-1]).digest == NEW


def test_routers_that_have_not_taken_the_kind_yet_are_counted() -> None:
    state = policy_state(LEARNED, [heard("a", policy=running()), heard("b", policy=running("", kind="Price"))])
    assert state.finding.reason is Reason.CHANGE_SPREADING
    assert state.finding.sentence == "1 of 2 routers do not run Learned Enforce yet"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("policy bundle /etc/p: cannot be read (No such file or directory)", Reason.BUNDLE_MISSING),
        ("policy bundle: trained for sizes a, b, but the service has a", Reason.BUNDLE_REFUSED),
    ],
)
def test_a_bundle_that_is_not_in_use_is_named_with_who_decides(error: str, reason: Reason) -> None:
    state = policy_state(LEARNED, [heard("a", policy=running("", error=error)), heard("b", policy=running())])
    assert state.finding.reason is reason
    assert error in state.finding.sentence
    assert state.finding.sentence.endswith("Price decides meanwhile")


def test_a_dqn_without_a_bundle_is_not_loaded_and_its_fallback_decides() -> None:
    dqn = Policy.model_validate({"kind": "DQN", "bundle": {"configMapRef": {"name": "p", "key": "p.safetensors"}}})
    state = policy_state(dqn, [heard(policy=running("", kind="DQN"))])
    assert state.finding.reason is Reason.BUNDLE_MISSING
    assert state.finding.sentence == "there is no bundle; Price decides meanwhile"


def test_a_heuristic_without_its_bundle_goes_on_by_itself() -> None:
    tuned = Policy.model_validate({"kind": "Ladder", "bundle": {"configMapRef": {"name": "p", "key": "p.safetensors"}}})
    said = running("", kind="Ladder", error="policy bundle: not a whole safetensors file")
    sentence = policy_state(tuned, [heard(policy=said)]).finding.sentence
    assert sentence.endswith("Ladder decides meanwhile, by its built-in numbers")


def test_a_canary_is_told_apart() -> None:
    routers = [heard("a", policy=running()), heard("c", policy=running(NEW), canary=True)]
    state = policy_state(LEARNED, routers)
    assert state.finding.reason is Reason.LOADED
    assert (state.digest, state.routers) == (OLD, 1)
    assert state.finding.sentence.endswith("; canary bbbbbbbbbbbb on 1 more")


def test_a_canary_that_has_said_nothing_yet_is_not_loaded() -> None:
    tried = LEARNED.model_copy(update={"canary": Canary(bundle=LEARNED.bundle)})
    for routers in (
        [heard("a", policy=running())],
        [heard("a", policy=running()), heard("c", canary=True, silent=True)],
    ):
        state = policy_state(tried, routers)
        assert state.finding.reason is Reason.CHANGE_SPREADING
        assert state.finding.sentence.startswith("canary: none")
    told = [heard("a", policy=running()), heard("c", policy=running(NEW), canary=True)]
    assert policy_state(tried, told).finding.reason is Reason.LOADED


def test_a_canary_whose_bundle_is_refused_is_said() -> None:
    routers = [heard("a", policy=running()), heard("c", policy=running("", error="bad header"), canary=True)]
    assert policy_state(LEARNED, routers).finding.reason is Reason.BUNDLE_REFUSED
    assert policy_state(LEARNED, routers).finding.sentence.startswith("canary: bad header")


@pytest.mark.parametrize("router", [heard(silent=True), heard(age_s=SILENT_S + 1.0), None])
def test_without_an_answer_nothing_is_known(router: object) -> None:
    state = policy_state(LEARNED, [router] if router else [])  # type: ignore[list-item]
    assert not state.known
    assert state.finding.reason is (Reason.NO_ROUTER_ANSWERS if router else Reason.NO_ROUTER_YET)
    assert (state.kind, state.digest, state.agreeing) == ("Learned", "", 0)


def test_a_kind_without_a_bundle_is_loaded_without_one() -> None:
    state = policy_state(Policy(), [heard()])
    assert state.finding.reason is Reason.LOADED
    assert state.finding.sentence == "Learned in mode Enforce on 1 of 1 routers"
