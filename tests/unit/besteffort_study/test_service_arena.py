from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from besteffort_sim.simulator import simulate
from besteffort_study.cell import BOUND, Round
from besteffort_study.executor import play, tasks_of
from besteffort_study.service_arena import ServiceArena, grid_of_service
from besteffort_train.baselines import build_plans
from besteffort_train.evaluation import build_workloads, named_traffic, world_of
from support.learning import small_service

SERVICE = small_service()
ARENA = ServiceArena(SERVICE, build_plans(SERVICE.sizes, None), named_traffic(SERVICE), slowness=1.2, seed=7)
TRACED = dataclasses.replace(ARENA, traffic={"trace.csv": np.arange(100) / 50.0})


def test_a_service_meets_the_loads_that_are_named_for_it() -> None:
    (setting,) = grid_of_service(ARENA, "service", 4).settings
    assert [load.workload for load in setting.loads] == list(named_traffic(SERVICE))
    assert dict(setting.loads)["lull"] == pytest.approx(0.6)


def test_its_cases_are_what_the_comparison_without_a_report_plays() -> None:
    known = build_workloads(SERVICE, named_traffic(SERVICE)["bursts"], 3, seed=7)[2]
    case = ARENA.case(Round("service", "its pool", "bursts", 1.0, 2))
    assert np.array_equal(case.workload.arrival_s, known.arrival_s)
    assert np.array_equal(case.workload.task, known.task)
    assert case.world.slowness.tolist() == world_of(SERVICE, 1.2).slowness.tolist() == [1.2] * 3


def test_its_cells_hold_what_the_simulator_says() -> None:
    task = next(task for task in tasks_of(ARENA, grid_of_service(ARENA, "service", 2)) if task.where.workload == "lull")
    cells = {cell.policy: cell for cell in play(ARENA, task)}
    case = ARENA.case(task.where)
    for name, plan in ARENA.plans.items():
        assert cells[name].reward == simulate(*case, plan).reward.mean()
        assert cells[name].reward <= cells[BOUND].reward


def test_a_trace_is_played_as_it_is_with_tasks_of_each_seed() -> None:
    first, second = (TRACED.case(Round("service", "its pool", "trace.csv", 1.0, seed)).workload for seed in (0, 1))
    assert first.arrival_s.tolist() == second.arrival_s.tolist() == (np.arange(100) / 50).tolist()
    assert first.task.tolist() != second.task.tolist()


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(ARENA, slowness=1.0),
        dataclasses.replace(ARENA, seed=8),
        dataclasses.replace(ARENA, service=dataclasses.replace(SERVICE, deadline_s=0.3)),
        TRACED,
        dataclasses.replace(TRACED, traffic={"trace.csv": np.arange(100) / 60.0}),
    ],
)
def test_whatever_changes_a_case_changes_the_digest(other: ServiceArena) -> None:
    assert other.digest != ARENA.digest
    assert pickle.loads(pickle.dumps(other)).digest == other.digest
