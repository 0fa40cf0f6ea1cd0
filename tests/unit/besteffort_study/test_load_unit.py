from __future__ import annotations

import pytest

from besteffort_study.errors import StudyError
from besteffort_study.load_unit import AVAILABLE, highest_rate_rps


@pytest.mark.parametrize("start_rps", [1.0, 100.0, 137.0, 20_000.0])
def test_the_highest_rate_is_found_from_wherever_the_search_starts(start_rps: float) -> None:
    found_rps = highest_rate_rps(lambda rate_rps: AVAILABLE if rate_rps <= 137.0 else 0.9, start_rps)
    assert 137.0 / 1.006 < found_rps <= 137.0


def test_a_search_that_no_rate_satisfies_ends_with_one_sentence() -> None:
    with pytest.raises(StudyError, match=r"^no rate from .* to 100 requests per second is answered in time$"):
        highest_rate_rps(lambda _: 0.98, 100.0)
