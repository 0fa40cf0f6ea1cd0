"""The names on the metrics page are the contract's, and the numbers add up."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from besteffort_router.dispatch import Dispatch, Forward, Outcome
from besteffort_router.errors import Code
from besteffort_router.ledger import Histogram, Ledger
from besteffort_router.metrics import Metrics
from besteffort_router.terms import Arrival
from support.router import request_bytes, settings

NAMES = {
    "requests_total": {"size", "code", "task"},
    "decisions_total": {"size", "reason"},
    "decision_seconds_count": set(),
    "request_seconds_count": {"size"},
    "deadline_total": {"size", "outcome"},
    "quality_sum": set(),
    "inflight": {"size", "replica"},
    "backlog_seconds": {"size", "replica"},
    "scrape_age_seconds": {"replica"},
    "refused_total": {"reason"},
    "fallback_total": {"reason"},
    "shadow_total": {"size", "shadow_size"},
    "policy_info": {"digest", "kind", "mode"},
    "config_info": {"digest"},
    "config_errors_total": set(),
    "queue_requests": set(),
}


def samples(dispatch: Dispatch) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(Metrics(dispatch, lambda: 1.0).page().decode()):
        for sample in family.samples:
            found.setdefault(sample.name.removeprefix("besteffort_router_"), []).append((sample.labels, sample.value))
    return found


def busy() -> Dispatch:
    backends = [
        {"name": "r0", "address": "h:1", "sizes": ["small", "large"], "metricsUrl": "http://h:2/metrics"},
    ]
    dispatch = Dispatch(settings(backends=backends, limits={"maxRequests": 2}), Ledger(), lambda: 0.0)
    for backend in dispatch.settings.backends:
        dispatch.load.set_ready(0.0, backend.replica, backend.model, ready=True)
    steps = [dispatch.begin(0.0, Arrival(request_bytes(task="arithmetic"))) for _ in range(3)]
    assert isinstance(steps[0], Forward)
    dispatch.finish(0.1, steps[0].ticket, Outcome(Code.OK))
    dispatch.ledger.fallback["fallback_slow"] += 1
    dispatch.ledger.shadow["small", "large"] += 1
    return dispatch


def test_every_name_of_the_contract_is_there_with_its_labels_and_no_other() -> None:
    found = samples(busy())
    for name, labels in NAMES.items():
        assert set(found[name][0][0]) == labels, name
    suffixes = ("_bucket", "_sum", "_count", "_created")
    assert {name for name in found if not name.endswith(suffixes)} <= set(NAMES)


def test_the_page_says_what_happened() -> None:
    found = samples(busy())
    assert ({"size": "large", "code": "OK", "task": "arithmetic"}, 1.0) in found["requests_total"]
    assert ({"reason": "queue_full"}, 1.0) in found["refused_total"]
    assert ({"size": "large", "replica": "r0"}, 1.0) in found["inflight"]
    backlog_s = {labels["size"]: value for labels, value in found["backlog_seconds"]}
    assert backlog_s["large"] > backlog_s["small"] == 0.0
    assert found["queue_requests"] == [({}, 1.0)]
    assert found["scrape_age_seconds"] == [({"replica": "r0"}, 1.0)]
    assert found["policy_info"] == [({"digest": "", "kind": "Greedy", "mode": "Enforce"}, 1.0)]


def test_two_routers_in_one_process_have_their_own_numbers() -> None:
    first, second = busy(), Dispatch(settings(), Ledger(), lambda: 0.0)
    assert samples(first)["queue_requests"] != samples(second)["queue_requests"]


def test_a_histogram_counts_each_value_in_the_first_bound_that_holds_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        histogram.add(value)
    assert (histogram.counts, histogram.total) == ([2, 1, 1], 12.0)
