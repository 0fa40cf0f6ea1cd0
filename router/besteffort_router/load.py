"""Counts of what is under way on each backend, and the snapshot of it that a decision gets. No clock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.arrivals import rate_after, rate_at
from besteffort_core.decide import STALE_S
from besteffort_core.latency import corrected, faded, work_s
from besteffort_core.model import Snapshot
from besteffort_router.wire import name_field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_core.model import Pool
    from besteffort_router.config import Backend, Replica, Settings

__all__ = ["Lane", "Load"]


class Lane:
    """One backend with its counts; it outlives a change of the configuration that keeps it."""

    __slots__ = ("_correction", "_learned_s", "backend", "name_field", "others", "own", "ready")

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.name_field = name_field(backend.model)
        self.own = 0
        """Requests of this router that are sent and not yet answered."""
        self.others = 0
        """Requests that other routers have there, by the last scrape."""
        self.ready = False
        self._correction = 1.0
        self._learned_s = 0.0

    def correction(self, now_s: float) -> float:
        """Return observed over profiled seconds, as it is now."""
        return faded(self._correction, now_s - self._learned_s)

    def learn(self, now_s: float, profiled_s: float, observed_s: float, *, answered: bool) -> None:
        """Correct the latency; without an answer `observed_s` is only the least that it would have taken."""
        correction = self.correction(now_s)
        if answered or observed_s > profiled_s * correction:
            self._correction, self._learned_s = corrected(correction, profiled_s, observed_s), now_s

    def set_ready(self, *, ready: bool) -> None:
        """Note whether the model takes requests; what is learned of a server does not hold for the one after it."""
        if ready and not self.ready:
            self._correction = 1.0
        self.ready = ready


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
        self.lanes = self.prepare(settings)
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
        in_flight = np.array([lane.own + lane.others for lane in lanes], dtype=np.int64)
        return Snapshot(
            in_flight=in_flight,
            units=in_flight,
            decoding=np.zeros_like(in_flight),
            progress_s=np.zeros(len(lanes)),
            correction=np.array([lane.correction(now_s) for lane in lanes], dtype=np.float64),
            ready=np.array([lane.ready for lane in lanes], dtype=np.bool_),
            rate_rps=self.rate_rps(now_s),
            sequence=max(self._arrivals - 1, 0),
        )

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
