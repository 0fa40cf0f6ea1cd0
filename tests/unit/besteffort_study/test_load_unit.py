from __future__ import annotations

import pytest

from besteffort_core.pool import BackendSpec, SizeSpec, build_pool
from besteffort_sim.workload import Lengths
from besteffort_study.errors import StudyError
from besteffort_study.load_unit import AVAILABLE, highest_rate_rps, load_unit_rps
from besteffort_study.pools import true_world
from besteffort_study.scenarios import Scenario


@pytest.mark.parametrize("start_rps", [1.0, 100.0, 137.0, 20_000.0])
def test_the_highest_rate_is_found_from_wherever_the_search_starts(start_rps: float) -> None:
    found_rps = highest_rate_rps(lambda rate_rps: AVAILABLE if rate_rps <= 137.0 else 0.9, start_rps)
    assert 137.0 / 1.006 < found_rps <= 137.0


def test_a_search_that_no_rate_satisfies_ends_with_one_sentence() -> None:
    with pytest.raises(StudyError, match=r"^no rate from .* to 100 requests per second is answered in time$"):
        highest_rate_rps(lambda _: 0.98, 100.0)


def test_the_rate_of_one_server_that_takes_one_request_at_a_time_is_that_of_erlangs_loss_formula() -> None:
    """A deadline of 1.5 services leaves no time to wait: what meets a busy server is lost, load / (1 + load)."""
    sizes = [SizeSpec("only", 0.9, {}, {1: 1e-4})]
    pool = build_pool((), sizes, [BackendSpec("only", "gpu0")])
    found_rps = load_unit_rps(pool, true_world(pool), Scenario("service", 1.5e-4, Lengths(), tasks=()))
    assert found_rps == pytest.approx((1 / AVAILABLE - 1) / 1e-4, rel=0.15)
