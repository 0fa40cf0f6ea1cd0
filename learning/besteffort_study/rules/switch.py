"""All rules of the study behind one, told apart by a number, so that the simulator is compiled once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_core.decide import hopeless, timely
from besteffort_sim.compiled import compiled
from besteffort_sim.simulator import run
from besteffort_study.rules.knowing import choose_by_table
from besteffort_study.rules.plan import EXPIRY, LMETRIC, ROUTE_BALANCE, SLACK_FIT, TABULAR, TWO_CHOICES
from besteffort_study.rules.simple import (
    choose_by_load,
    choose_by_score,
    choose_by_slack,
    choose_of_two,
    choose_uniformly,
)

if TYPE_CHECKING:
    from besteffort_core.model import Candidates, Pool, Request, Snapshot
    from besteffort_sim.model import Log, Workload, World
    from besteffort_study.rules.plan import RulePlan

__all__ = ["choose_ruled", "play_rule"]


def play_rule(pool: Pool, world: World, workload: Workload, plan: RulePlan) -> Log:
    """Return what becomes of each request where a rule of the study chooses; what it refuses counts as not ready."""
    play = compiled(run, choose_planned=choose_ruled, offer=offer_ruled, route=route_any)
    log: Log = play(pool, world, workload, plan, False)  # noqa: FBT003 - compiled code takes no keywords
    return log


def offer_ruled(request: Request, pool: Pool, found: Candidates, plan: RulePlan) -> Candidates:
    """Return what a plan may choose from: `EXPIRY` leaves it to the servers to drop what is too late."""
    return found if plan.rule == EXPIRY else timely(request, pool, found)


def route_any(_request: Request, pool: Pool, found: Candidates, backend: int) -> tuple[int, int, float]:
    """Return (size, backend, predicted seconds) and refuse nothing, since `choose_ruled` did."""
    if backend < 0:
        return -1, -1, 0.0
    return int(pool.size_of[backend]), backend, float(found.finish_s[backend])


def choose_ruled(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, plan: RulePlan) -> int:
    """Return what the plan's rule chooses behind the router's own refusal, -1 for nothing; `EXPIRY` refuses nothing."""
    if plan.rule == EXPIRY:
        return int(candidates.backend[int(plan.numbers[0])])
    backend = _chosen(request, candidates, pool, snapshot, plan)
    if backend < 0 or hopeless(request, pool, candidates.finish_s[backend]):
        return -1
    return backend


def _chosen(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, plan: RulePlan) -> int:
    if plan.rule == TWO_CHOICES:
        return choose_of_two(request, candidates, pool, snapshot, plan)
    if plan.rule == LMETRIC:
        return choose_by_load(request, candidates, pool, snapshot, plan)
    if plan.rule == ROUTE_BALANCE:
        return choose_by_score(request, candidates, pool, snapshot, plan)
    if plan.rule == SLACK_FIT:
        return choose_by_slack(request, candidates, pool, plan)
    if plan.rule == TABULAR:
        return choose_by_table(request, candidates, pool, snapshot, plan)
    return choose_uniformly(candidates, snapshot)
