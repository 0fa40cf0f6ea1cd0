"""All policies behind one compiled rule, told apart by a number, and the guard that the router puts around Learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from besteffort_core.decide import timely
from besteffort_core.dqn import Network, best_ready, in_range, observe, q_values
from besteffort_core.general import GENERAL
from besteffort_core.policies import (
    choose_greedy,
    choose_ladder,
    choose_least_loaded,
    choose_price,
    choose_round_robin,
    choose_static,
)
from besteffort_core.policy import NETWORKS, Kind, build_rule
from besteffort_core.scorer import Scorer, build_scorer, choose_scored
from besteffort_sim.model import Plan

if TYPE_CHECKING:
    from besteffort_core.model import Candidates, Pool, Request, Snapshot
    from besteffort_core.policies import Parameters

__all__ = ["build_plan", "choose_planned", "offer", "offer_timely"]

NUMBERS = {kind: number for number, kind in enumerate(Kind)}
LEARNED, DQN, PRICE, GREEDY, LADDER, STATIC, ROUND_ROBIN, LEAST_LOADED = (NUMBERS[kind] for kind in Kind)


def build_plan(kind: Kind, parameters: Parameters | None = None, network: Network | Scorer | None = None) -> Plan:
    """Return the plan of a policy; one with a network needs it.

    `parameters` are those of the rule, for DQN those of Price, its fallback; Learned reads none.
    """
    if parameters is None:
        parameters = build_rule(Kind.PRICE if kind in NETWORKS else kind).parameters
    if kind in NETWORKS and network is None:
        msg = f"a plan of {kind} needs its network"
        raise ValueError(msg)
    dqn = network if isinstance(network, Network) else _no_network()
    scorer = network if isinstance(network, Scorer) else build_scorer(np.zeros(4))
    return Plan(NUMBERS[kind], parameters, dqn, scorer, GENERAL, np.empty(0, dtype=np.int64))


def _no_network() -> Network:
    matrix, vector = np.empty((0, 0), dtype=np.float32), np.empty(0, dtype=np.float32)
    return Network(matrix, vector, matrix, vector, matrix, vector, vector, vector)


def offer(request: Request, pool: Pool, found: Candidates, plan: Plan) -> Candidates:
    """Return what a plan may choose from: a static size is what it is, the others need not know what is too late."""
    return found if plan.kind == STATIC else timely(request, pool, found)


def offer_timely(request: Request, pool: Pool, found: Candidates, _parameters: Parameters) -> Candidates:
    """Return what a rule of one's own may choose from."""
    return timely(request, pool, found)


def choose_planned(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, plan: Plan) -> int:  # noqa: PLR0911 - one for each policy
    """Return the best backend of the size that the plan forces, else what its policy chooses; -1 if none is ready."""
    if snapshot.sequence < plan.forced.shape[0]:
        forced = plan.forced[snapshot.sequence]
        if forced >= 0 and candidates.backend[forced] >= 0:
            return int(candidates.backend[forced])
    if plan.kind == LEARNED:
        return _choose_guarded(request, candidates, pool, snapshot, plan)
    if plan.kind == DQN:
        return _choose_in_range(request, candidates, pool, snapshot, plan)
    if plan.kind == PRICE:
        return choose_price(request, candidates, pool, snapshot, plan.parameters)
    if plan.kind == GREEDY:
        return choose_greedy(request, candidates, pool, snapshot, plan.parameters)
    if plan.kind == LADDER:
        return choose_ladder(request, candidates, pool, snapshot, plan.parameters)
    if plan.kind == STATIC:
        return choose_static(request, candidates, pool, snapshot, plan.parameters)
    if plan.kind == ROUND_ROBIN:
        return choose_round_robin(request, candidates, pool, snapshot, plan.parameters)
    return choose_least_loaded(request, candidates, pool, snapshot, plan.parameters)


def _choose_guarded(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, plan: Plan) -> int:
    backend = choose_scored(request, candidates, pool, snapshot, plan.scorer)
    if backend < 0:
        backend = choose_scored(request, candidates, pool, snapshot, plan.general)
    return backend


def _choose_in_range(request: Request, candidates: Candidates, pool: Pool, snapshot: Snapshot, plan: Plan) -> int:
    state = observe(request, pool, snapshot)
    if in_range(plan.network, state):
        return best_ready(q_values(plan.network, state), candidates)
    return choose_price(request, candidates, pool, snapshot, plan.parameters)
