"""Every Prometheus name of the router, once. Reads the ledger and the load when asked; costs a request nothing."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from prometheus_client import Metric

    from besteffort_router.dispatch import Dispatch
    from besteffort_router.ledger import Histogram

__all__ = ["PREFIX", "Metrics"]

PREFIX = "besteffort_router_"


class Metrics(Collector):
    """The metrics page of one router."""

    def __init__(self, dispatch: Dispatch, clock: Callable[[], float]) -> None:
        self._dispatch = dispatch
        self._clock = clock
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def page(self) -> bytes:
        """Return the page in Prometheus text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield all families."""
        yield from self._counters()
        yield from self._histograms()
        yield from self._now()
        yield from self._infos()

    def _counters(self) -> Iterator[Metric]:
        ledger = self._dispatch.ledger
        yield _counter("requests", "Requests ended.", ("size", "code", "task"), ledger.requests)
        yield _counter("decisions", "Requests sent to a size, by reason.", ("size", "reason"), ledger.decisions)
        yield _counter(
            "deadline",
            "Requests by how they stand to their deadline: met, missed, refused, cancelled; invalid to the server.",
            ("size", "outcome"),
            ledger.deadlines,
        )
        yield _counter("refused", "Requests refused, by reason.", ("reason",), _keyed(ledger.refused))
        yield _counter(
            "fallback", "Decisions that the guard took from the policy.", ("reason",), _keyed(ledger.fallback)
        )
        yield _counter("shadow", "Decisions with a policy in shadow.", ("size", "shadow_size"), ledger.shadow)
        yield _counter("config_errors", "Configurations and policy bundles refused.", (), {(): ledger.config_errors})
        quality = "Sum of the expected quality of answers, by what each was worth when it came; only grows."
        yield _gauge("quality_sum", quality, (), {(): ledger.quality_sum})

    def _histograms(self) -> Iterator[Metric]:
        ledger = self._dispatch.ledger
        yield _histogram("decision_seconds", "Time to decide.", (), {(): ledger.decision_s})
        by_size = {(size,): histogram for size, histogram in ledger.request_s.items()}
        yield _histogram("request_seconds", "Time from arrival to the end of a request.", ("size",), by_size)

    def _now(self) -> Iterator[Metric]:
        dispatch, now_s = self._dispatch, self._clock()
        load = dispatch.load
        in_flight: dict[tuple[str, ...], float] = {}
        backlog_s: dict[tuple[str, ...], float] = {}
        for lane, seconds in zip(load.lanes, load.backlogs_s(now_s, dispatch.settings.pool), strict=True):
            key = (lane.backend.size_name, lane.backend.replica.name)
            in_flight[key] = lane.own
            backlog_s[key] = seconds
        yield _gauge("inflight", "Requests of this router under way.", ("size", "replica"), in_flight)
        yield _gauge("backlog_seconds", "Predicted seconds of work under way.", ("size", "replica"), backlog_s)
        ages = {(replica.name,): age for replica, age in load.scrape_ages_s(now_s).items()}
        yield _gauge("scrape_age_seconds", "Age of the metrics of a ready replica.", ("replica",), ages)
        yield _gauge("queue_requests", "Requests in the router.", (), {(): dispatch.requests})

    def _infos(self) -> Iterator[Metric]:
        settings = self._dispatch.settings
        policy = settings.policy
        info = (policy.digest, policy.kind.value, "Shadow" if policy.shadow else "Enforce")
        yield _gauge("policy_info", "The policy in force.", ("digest", "kind", "mode"), {info: 1})
        yield _gauge("config_info", "The configuration in force.", ("digest",), {(settings.digest,): 1})


def _keyed(counts: Mapping[str, float]) -> dict[tuple[str], float]:
    return {(key,): value for key, value in counts.items()}


def _counter(name: str, text: str, labels: Sequence[str], values: Mapping[Any, float]) -> Metric:
    """`values` by the tuple of the labels' values; likewise below."""
    family = CounterMetricFamily(PREFIX + name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _gauge(name: str, text: str, labels: Sequence[str], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _histogram(name: str, text: str, labels: Sequence[str], values: Mapping[Any, Histogram]) -> Metric:
    family = HistogramMetricFamily(PREFIX + name, text, labels=labels)
    for key, histogram in values.items():
        bounds = [*map(str, histogram.bounds), "+Inf"]
        buckets = list(zip(bounds, map(float, accumulate(histogram.counts)), strict=True))
        family.add_metric(key, buckets, histogram.total)
    return family
