"""A made-up study: what its policies earn is written down, so that no simulator is needed."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.pool import BackendSpec, SizeSpec, build_pool
from besteffort_sim.model import ANSWERED, HOPELESS, Log, World
from besteffort_sim.report import peaks
from besteffort_sim.workload import build_workload
from besteffort_study.entrant import Case
from besteffort_study.grid import Facts, Grid, Load, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from besteffort_study.cell import Round

GRID = Grid(
    "small",
    (
        Setting("SC", "co", (Load("poisson", 1.0), Load("poisson", 4.0), Load("maf", 1.0))),
        Setting("GE", "co", (Load("mmpp", 2.0),)),
    ),
    seeds=3,
)
SIZES = ("small", "large")


@dataclass(frozen=True)
class Constant:
    """Answers a share of the requests, the first ones, in time and with the best size; refuses the rest."""

    share: float
    digest: str = "v1"
    broad: str = ""
    bounded: bool = True
    killed_at: float = np.inf
    """Load at which it ends its process instead."""
    lasts_s: float = 0.0
    """How long it takes to play."""
    asked: Path | None = None
    """Where it notes each play."""

    def play(self, case: Case) -> Log:
        n = case.workload.task.size
        if n / 10 > self.killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.lasts_s)
        if self.asked is not None:
            with self.asked.open("a") as file:
                file.write(f"{n}\n")
        answered = np.arange(n) < round(self.share * n)
        best = peaks(case.pool, case.workload)
        no_trail = dict.fromkeys(Log._fields, np.empty(0))
        return Log(**no_trail)._replace(
            outcome=np.where(answered, ANSWERED, HOPELESS).astype(np.int8),
            size=np.where(answered, 1, -1),
            latency_s=np.where(answered, 0.05, np.inf),
            reward=np.where(answered, best, 0.0),
        )


@dataclass(frozen=True)
class MadeUpArena:
    """Five requests a second and load unit, for 20 seconds."""

    players: Mapping[str, Constant] = field(
        default_factory=lambda: {"ours": Constant(0.9), "other": Constant(0.7), "none": Constant(0.0)}
    )
    digest: str = ""
    about: str = "All of it is `made up`."

    def entrants(self, _scenario: str, _layout: str) -> Mapping[str, Constant]:
        return self.players

    def facts(self, _scenario: str, _layout: str) -> Facts:
        return Facts(SIZES, 5.0)

    def case(self, where: Round) -> Case:
        sizes = [SizeSpec("small", 0.4, {}, {1: 0.01}), SizeSpec("large", 0.8, {"a": 0.6}, {1: 0.1})]
        pool = build_pool(("a",), sizes, [BackendSpec(name, "gpu") for name in SIZES])
        rng = np.random.default_rng((where.seed, round(10 * where.load), len(where.workload)))
        n = round(100 * where.load)
        world = World(np.ones(2), np.ones(2, dtype=np.bool_), 0.0, 100, foresight=True, routers=1, scrape_s=0.0)
        return Case(pool, world, build_workload(np.sort(rng.uniform(0, 20, n)), 2, 0.1, rng))

    def bound(self, case: Case) -> float:
        return float(0.95 * peaks(case.pool, case.workload).mean())
