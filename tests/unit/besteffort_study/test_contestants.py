from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from besteffort_sim.model import ANSWERED
from besteffort_sim.report import share_of_peak
from besteffort_study.catalogue import draw_workload
from besteffort_study.contestants import Best, Expiry, Fifo, Ruled, Twice, twice
from besteffort_study.entrant import Case
from besteffort_study.entrants import entrants, every_entrant, static_name
from besteffort_study.pools import build_study_pool, true_world
from besteffort_study.profiles import gpu_profile
from besteffort_study.rules.plan import UNIFORM
from besteffort_study.scenarios import scenario

if TYPE_CHECKING:
    from besteffort_sim.model import Log

LARGE = 2


def drawn(rate_rps: float, name: str = "SC", layout: str = "co") -> Case:
    pool = build_study_pool(gpu_profile("a100_roofline"), layout, scenario(name))
    return Case(pool, true_world(pool), draw_workload(scenario(name), "poisson", rate_rps, 0, duration_s=3.0))


def reward(log: Log) -> float:
    return float(log.reward.sum())


def of_peak(case: Case, log: Log) -> float:
    return share_of_peak(case.pool, case.workload, log)


def test_fifo_answers_everything_and_late_answers_earn_nothing() -> None:
    case = drawn(700.0)
    log = Fifo(LARGE).play(case)
    late = log.latency_s > case.workload.deadline_s
    assert (log.outcome == ANSWERED).all()
    assert late.any()
    assert (log.reward[late] == 0.0).all()
    in_time = case.pool.quality[case.workload.task, LARGE]
    assert np.array_equal(log.reward[~late], in_time[~late])


def test_a_late_answer_of_fifo_fades_where_the_deadline_is_soft() -> None:
    case = drawn(700.0, "SCs")
    log = Fifo(LARGE).play(case)
    part = log.reward / case.pool.quality[case.workload.task, LARGE]
    assert part == pytest.approx(np.clip(2.0 - log.latency_s / case.workload.deadline_s, 0.0, 1.0))


def test_expiry_beats_fifo_in_overload_and_refuses_nothing() -> None:
    case = drawn(700.0)
    log = Expiry(LARGE).play(case)
    assert reward(log) > 2 * reward(Fifo(LARGE).play(case))
    assert (log.size == LARGE).all()


def test_the_best_is_never_behind_any_of_its_own() -> None:
    for rate_rps in (100.0, 1500.0):
        case, alone = drawn(rate_rps), [Expiry(size) for size in range(3)]
        assert reward(Best(tuple(alone)).play(case)) == max(reward(entrant.play(case)) for entrant in alone)


def test_twice_the_gpus_serve_twice_the_load_as_well() -> None:
    heavy, light = drawn(440.0), drawn(220.0)
    alone = of_peak(light, Expiry(LARGE).play(light))
    assert alone > 0.95
    assert of_peak(heavy, Twice(Expiry(LARGE)).play(heavy)) == pytest.approx(alone, abs=0.03)
    assert of_peak(heavy, Expiry(LARGE).play(heavy)) < 0.7
    assert not Twice(Expiry(LARGE)).bounded


def test_a_doubled_pool_is_the_one_built_with_twice_the_gpus() -> None:
    doubled, built = twice(drawn(10.0).pool), drawn(10.0, layout=" ".join(8 * ["SML"])).pool
    for one, other in zip(doubled, built, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(("name", "layout"), [("SC", "co"), ("GE", "ded"), ("MX", "3L1x")])
def test_every_entrant_plays_and_none_but_the_larger_pools_passes_the_peak(name: str, layout: str) -> None:
    case = drawn(120.0, name, layout)
    for entrant in every_entrant(name, layout).values():
        assert 0.0 < of_peak(case, entrant.play(case)) <= 1.0 + 1e-9


def test_ours_enters_first_and_each_has_a_digest_of_its_own() -> None:
    found = entrants("SC", "co")
    assert next(iter(found)) == "Learned"
    assert static_name(LARGE) in found
    assert len({(type(entrant), entrant.digest) for entrant in found.values()}) == len(found)


def test_other_numbers_have_another_digest() -> None:
    one, other = (Ruled(UNIFORM, np.array([number])) for number in (1.0, 2.0))
    assert one.digest != other.digest
