"""Counts of what is under way on each backend, and the snapshot of it that a decision gets. No clock of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.arrivals import rate_after, rate_at
from besteffort_core.decide import STALE_S
from besteffort_core.latency import applied, corrected, faded, unanswered_s, work_s
from besteffort_core.model import Snapshot
from besteffort_core.others import MEMORY_S, leans_s, progress_beside_others_s, ratio_of, with_others
from besteffort_router.wire import name_field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from besteffort_core.model import Pool
    from besteffort_router.config import Backend, Replica, Settings

__all__ = ["Lane", "Load"]

ALONE, MOST_RATIO = 1.1, 20.0
"""Below the one there is no other router, only a request on its way; above the other, own requests say too little of
what others have, and what the servers said last says more."""

FAILURES = 5
"""After so many in a row a backend is left out: one that fails at once is always idle, and would draw all requests."""
FIRST_OUT_S, LONGEST_OUT_S = 1.0, 30.0
"""How long, at first, and at most: twice as long each time that it fails again at once."""


class Lane:
    """One backend with its counts; it outlives a change of the configuration that keeps it."""

    __slots__ = (
        "_correction",
        "_counted",
        "_counted_s",
        "_failures",
        "_lately",
        "_learned_s",
        "_out_until_s",
        "_weight_s",
        "backend",
        "ended",
        "name_field",
        "others",
        "own",
        "ready",
    )

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.name_field = name_field(backend.model)
        self.own = 0
        """Requests of this router that are sent and not yet answered."""
        self.ended = 0
        """Requests of this router that were sent and are no longer under way."""
        self.others = 0
        """Requests that other routers have there, by the last scrape."""
        self.ready = False
        self._counted = (-1, -1)
        """Requests that had ended at the last look, of this router and of all."""
        self._counted_s = 0.0
        self._lately = (0.0, 0.0, 0.0)
        """Those of this router and of others that ended of late, and in how many seconds."""
        self._correction = 1.0
        self._weight_s = 0.0
        self._learned_s = 0.0
        self._failures = 0
        """In a row, but for those that come while it is left out."""
        self._out_until_s = -math.inf

    def takes(self, now_s: float) -> bool:
        """Tell whether it is given requests: it is ready, and not left out for its failures."""
        return self.ready and now_s >= self._out_until_s

    def failed(self, now_s: float) -> None:
        """Count an answer that says that the server could not answer."""
        if now_s < self._out_until_s:
            return
        self._failures += 1
        if self._failures >= FAILURES:
            self._out_until_s = now_s + min(FIRST_OUT_S * 2.0 ** (self._failures - FAILURES), LONGEST_OUT_S)

    def answered(self) -> None:
        """Forget the failures before an answer."""
        self._failures, self._out_until_s = 0, -math.inf

    def correction(self, now_s: float) -> float:
        """Return the factor on profiled seconds, as it is now."""
        return applied(self._observed(now_s))

    def leave(self) -> None:
        """Count a request out, whatever came of it."""
        self.own -= 1
        self.ended += 1

    def learn(self, now_s: float, profiled_s: float, observed_s: float, *, answered: bool) -> None:
        """Correct the latency; without an answer `observed_s` is only the least that it would have taken."""
        correction = self._observed(now_s)
        if not answered:
            observed_s = unanswered_s(observed_s, profiled_s * correction)
        if answered or observed_s > 0.0:
            self._correction, self._weight_s = corrected(correction, self._weight_s, profiled_s, observed_s)
            self._learned_s = now_s

    def count(self, now_s: float, own: int, ended: int) -> None:
        """Take how many requests have ended so far, of this router and of all; fewer than before say nothing yet."""
        before, past_s = self._counted, now_s - self._counted_s
        self._counted, self._counted_s = (own, ended), now_s
        if past_s > STALE_S:
            self._lately = (0.0, 0.0, 0.0)
        elif 0 <= before[0] <= own and before[1] <= ended and past_s > 0.0:
            kept, new = math.exp(-past_s / MEMORY_S), own - before[0]
            mine, theirs, seconds = self._lately
            self._lately = kept * mine + new, kept * theirs + ended - before[1] - new, kept * seconds + past_s

    def ended_rps(self, now_s: float) -> tuple[float, float] | None:
        """Return the requests that end a second of late, of this router and of others; None if that is not known.

        One that only one side has counted yet may make that of others a little less than 0.
        """
        mine, theirs, seconds = self._lately
        if seconds == 0.0 or now_s - self._counted_s > STALE_S or not self.ready:
            return None
        return mine / seconds, theirs / seconds

    def set_ready(self, *, ready: bool) -> None:
        """Note whether the model takes requests; what is learned of a server does not hold for the one after it."""
        if ready and not self.ready:
            self._correction, self._weight_s = 1.0, 0.0
            self.answered()
            self._counted, self._lately = (-1, -1), (0.0, 0.0, 0.0)
        self.ready = ready

    def _observed(self, now_s: float) -> float:
        """Return observed over profiled seconds, as it is now."""
        return faded(self._correction, now_s - self._learned_s)


class Load:
    """The state of the pool as this router knows it."""

    def __init__(self) -> None:
        self.lanes: tuple[Lane, ...] = ()
        """In the order of the pool."""
        self._known: dict[tuple[Replica, str, str], Lane] = {}
        self._scraped_s: dict[Replica, float] = {}
        self._rate_rps = 0.0
        self._last_s = 0.0
        self._arrivals = 0

    def prepare(self, settings: Settings) -> tuple[Lane, ...]:
        """Return the lanes of a configuration, known ones with their counts, to be probed before `adopt`."""
        lanes = []
        for backend in settings.backends:
            lane = self._known.setdefault((backend.replica, backend.size_name, backend.model), Lane(backend))
            lanes.append(lane)
        return tuple(lanes)

    def adopt(self, settings: Settings) -> None:
        """Take the lanes of a configuration; requests on a lane that goes keep it until they end."""
        self.lanes, self._pool = self.prepare(settings), settings.pool
        for lane, backend in zip(self.lanes, settings.backends, strict=True):
            lane.backend = backend
        kept = set(self.lanes)
        self._known = {key: lane for key, lane in self._known.items() if lane in kept}
        replicas = {backend.replica for backend in settings.backends}
        self._scraped_s = {replica: at for replica, at in self._scraped_s.items() if replica in replicas}

    def arrived(self, now_s: float) -> None:
        """Count an arrival."""
        self._rate_rps = rate_after(self._rate_rps, now_s - self._last_s)
        self._last_s = now_s
        self._arrivals += 1

    def snapshot(self, now_s: float) -> Snapshot:
        """Return what is known now."""
        lanes = self.lanes
        own = np.array([lane.own for lane in lanes], dtype=np.int64)
        ready = np.array([lane.takes(now_s) for lane in lanes], dtype=np.bool_)
        if not ready.any():  # where all fail, leaving them out helps nobody
            ready = np.array([lane.ready for lane in lanes], dtype=np.bool_)
        theirs, ratio = self._others(now_s)
        if ALONE < ratio <= MOST_RATIO:
            in_flight = np.empty_like(own)
            with_others(self._pool, own, ratio, theirs, in_flight)
            progress_s = progress_beside_others_s(self._pool, self._arrivals)
            leans = leans_s(self._pool, theirs, ready)
        else:
            in_flight, ratio = own + np.array([lane.others for lane in lanes], dtype=np.int64), 1.0
            progress_s, leans = np.zeros(self._pool.hosted.shape[0]), np.zeros(len(lanes))
        return Snapshot(
            in_flight=in_flight,
            units=in_flight,
            decoding=np.zeros_like(in_flight),
            running=np.zeros_like(in_flight),
            progress_s=progress_s,
            correction=np.array([lane.correction(now_s) for lane in lanes], dtype=np.float64),
            length=1.0,
            leans_s=leans,
            ready=ready,
            rate_rps=ratio * self.rate_rps(now_s),
            sequence=max(self._arrivals - 1, 0),
        )

    def _others(self, now_s: float) -> tuple[NDArray[np.float64], float]:
        """Return the requests of others that end a second on each lane, and how many all routers have for each own.

        A lane that nothing is known of counts as the mean of its size: it is neither preferred nor avoided.
        """
        found = [lane.ended_rps(now_s) for lane in self.lanes]
        mine = sum(one[0] for one in found if one)
        ratio = ratio_of(mine + sum(one[1] for one in found if one), mine)
        known: dict[int, list[float]] = {}
        for lane, one in zip(self.lanes, found, strict=True):
            if one:
                known.setdefault(lane.backend.size, []).append(max(one[1], 0.0))
        means = {size: sum(rates) / len(rates) for size, rates in known.items()}
        theirs = [
            max(one[1], 0.0) if one else means.get(lane.backend.size, 0.0) * lane.ready
            for lane, one in zip(self.lanes, found, strict=True)
        ]
        return np.array(theirs, dtype=np.float64), ratio

    def backlogs_s(self, now_s: float, pool: Pool) -> list[float]:
        """Return for each lane the predicted seconds of its work under way, that of other routers included."""
        return [lane.correction(now_s) * work_s(pool, lane.backend.size, lane.own + lane.others) for lane in self.lanes]

    def rate_rps(self, now_s: float) -> float:
        """Return the requests a second that arrive now."""
        return rate_at(self._rate_rps, now_s - self._last_s)

    def set_ready(self, now_s: float, replica: Replica, model: str, *, ready: bool) -> None:
        """Note whether a model takes requests on a replica; one that comes (back) has yet to be scraped."""
        lanes = [lane for lane in self._known.values() if lane.backend.replica == replica]
        if ready and not any(lane.ready for lane in lanes):
            self._scraped_s[replica] = now_s
        for lane in lanes:
            if lane.backend.model == model:
                lane.set_ready(ready=ready)

    def lose(self, replica: Replica) -> None:
        """Note that a replica cannot be reached."""
        for lane in self._known.values():
            if lane.backend.replica == replica:
                lane.ready = False

    def own_by_model(self, replica: Replica) -> dict[str, int]:
        """Return how many requests of this router each model of a replica has now."""
        return {lane.backend.model: lane.own for lane in self._known.values() if lane.backend.replica == replica}

    def scraped(self, now_s: float, replica: Replica, pending: Mapping[str, int], own: Mapping[str, int]) -> None:
        """Take the pending requests by model that a replica reports: what is not our own belongs to other routers.

        `own` is `own_by_model` of before the page was asked for: what ended meanwhile may still stand in it.
        """
        self._scraped_s[replica] = now_s
        for lane in self._known.values():
            if lane.backend.replica == replica:
                model = lane.backend.model
                lane.others = max(0, pending.get(model, 0) - max(own.get(model, 0), lane.own))

    def own_ended_by_model(self, replica: Replica) -> dict[str, int]:
        """Return how many requests of this router have ended at each model of a replica."""
        return {lane.backend.model: lane.ended for lane in self._known.values() if lane.backend.replica == replica}

    def counted(self, now_s: float, replica: Replica, ended: Mapping[str, int], own: Mapping[str, int]) -> None:
        """Take the requests by model that ended on a replica since it began: they tell how many are of other routers.

        `own` is `own_ended_by_model` of before the page was asked for.
        """
        for lane in self._known.values():
            model = lane.backend.model
            if lane.backend.replica == replica and model in own:
                lane.count(now_s, own[model], ended.get(model, 0))

    def forget_stale(self, now_s: float) -> None:
        """Drop what old scrapes said: stale metrics mean own counts only, never a full server."""
        ages = self.scrape_ages_s(now_s)
        for lane in self.lanes:
            if ages.get(lane.backend.replica, 0.0) > STALE_S:
                lane.others = 0

    def scrape_ages_s(self, now_s: float) -> dict[Replica, float]:
        """Return the age of the metrics of each replica that has some to scrape and takes requests."""
        found = {}
        for lane in self.lanes:
            replica = lane.backend.replica
            if lane.ready and replica.metrics_url:
                found[replica] = now_s - self._scraped_s[replica]
        return found
