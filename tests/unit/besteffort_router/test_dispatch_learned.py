"""What a dispatch says and counts where a learned policy decides, is suspended, or is missing."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format

from besteffort.v1.config_pb2 import RouterConfig
from besteffort_core.bundle import bundle_to_bytes, parse_bundle
from besteffort_router.config import settings_from_message
from besteffort_router.dispatch import Dispatch
from besteffort_router.ledger import Ledger
from support.bundles import random_bundle
from support.dispatching import Clock, dispatch, finish, forward, set_ready
from support.pools import TASKS
from support.router import config


def learned(clock: Clock, *, backends: list[dict[str, Any]] | None = None, **policy: Any) -> Dispatch:
    sizes = [size | {"qualityByTask": {}} for size in config()["sizes"]]
    message = config(policy={"kind": "LEARNED", "fallback": "GREEDY"} | policy, tasks=list(TASKS), sizes=sizes)
    message["backends"] = backends or message["backends"]
    bundle = parse_bundle(bundle_to_bytes(random_bundle()))
    found = Dispatch(settings_from_message(json_format.ParseDict(message, RouterConfig()), bundle), Ledger(), clock)
    set_ready(found, "small", "medium", "large")
    return found


def test_a_learned_decision_says_so_under_the_digest_of_its_policy() -> None:
    found = learned(Clock())
    trailers = dict(finish(found, forward(found), 0.01).trailers)
    assert trailers["bes-reason"] == "learned"
    assert trailers["bes-policy"] == found.settings.policy.digest[:12]


def test_a_policy_that_decides_slowly_is_suspended_until_decisions_are_fast_again() -> None:
    found = learned(Clock(*(second * 0.02 for second in range(20)), 0.4))
    for _ in range(10):
        last = forward(found)
    assert last.ticket.reason == "fallback_slow"
    for _ in range(40):
        last = forward(found)
    assert last.ticket.reason == "learned"


def test_a_learned_policy_is_suspended_while_the_metrics_are_stale() -> None:
    servers = [server | {"metricsUrl": "http://127.0.0.1:8002/metrics"} for server in config()["backends"]]
    found = learned(Clock(), backends=servers)
    assert forward(found, 4.0).ticket.reason == "learned"
    assert forward(found, 6.0).ticket.reason == "fallback_stale"
    for lane in found.load.lanes:
        found.load.scraped(6.0, lane.backend.replica, {}, {})
    assert forward(found, 6.1).ticket.reason == "learned"


def test_a_policy_in_shadow_is_recorded_and_does_not_rule() -> None:
    found = learned(Clock(), mode="SHADOW")
    assert forward(found).ticket.reason == "best_in_time"
    assert sum(found.ledger.shadow.values()) == 1


def test_learned_decides_by_built_in_numbers_where_no_bundle_is_named() -> None:
    found = dispatch(policy={"kind": "LEARNED", "fallback": "GREEDY"})
    trailers = dict(finish(found, forward(found), 0.01).trailers)
    assert (trailers["bes-reason"], trailers["bes-policy"]) == ("learned", "Learned")
    assert not found.ledger.fallback


def test_a_learned_policy_without_its_bundle_falls_back_and_counts_it() -> None:
    found = dispatch(policy={"kind": "LEARNED", "fallback": "GREEDY", "bundlePath": "policy.safetensors"})
    assert forward(found).ticket.reason == "fallback_missing"
    assert found.ledger.fallback == {"fallback_missing": 1}
