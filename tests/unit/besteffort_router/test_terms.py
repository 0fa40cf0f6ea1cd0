"""What a client may ask for, and who wins."""

from __future__ import annotations

import pytest

from besteffort_router.errors import MalformedError
from besteffort_router.terms import Arrival, read_terms
from support.router import settings

SETTINGS = settings()


@pytest.mark.parametrize(
    ("parameters", "arrival", "deadline_s"),
    [
        ({}, Arrival(b""), 0.3),
        ({}, Arrival(b"", remaining_s=2.0), 2.0),
        ({}, Arrival(b"", remaining_s=-0.5), 0.001),
        ({}, Arrival(b"", deadline="700", remaining_s=2.0), 0.7),
        ({"deadline_ms": 250}, Arrival(b"", deadline="700", remaining_s=2.0), 0.25),
        ({"deadline_ms": "250"}, Arrival(b""), 0.25),
        ({"deadline_ms": 12.5}, Arrival(b""), 0.0125),
        ({"deadline_ms": 10**12}, Arrival(b""), 10.0),
        ({}, Arrival(b"", remaining_s=1e9), 10.0),
    ],
)
def test_the_deadline_is_the_parameter_else_metadata_else_grpc_else_the_default(
    parameters: dict, arrival: Arrival, deadline_s: float
) -> None:
    assert read_terms(parameters, arrival, SETTINGS).deadline_s == pytest.approx(deadline_s)


@pytest.mark.parametrize("value", [0, -5, "soon", "", True, float("nan"), float("inf"), "nan", "1e999", "-1"])
def test_a_deadline_that_is_no_positive_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(MalformedError, match=r"^deadline_ms: .* is not a positive number of milliseconds$"):
        read_terms({"deadline_ms": value}, Arrival(b""), SETTINGS)


def test_a_bad_deadline_in_metadata_is_refused_by_its_own_name() -> None:
    with pytest.raises(MalformedError, match=r"^bes-deadline-ms: 'x' "):
        read_terms({}, Arrival(b"", deadline="x"), SETTINGS)


@pytest.mark.parametrize(
    ("parameters", "metadata", "task"),
    [
        ({"task": "reversal"}, "arithmetic", "reversal"),
        ({}, "arithmetic", "arithmetic"),
        ({}, None, "other"),
        ({"task": "poetry"}, None, "other"),
        ({"task": 7}, None, "other"),
    ],
)
def test_a_task_that_is_not_on_the_list_counts_as_other(parameters: dict, metadata: str | None, task: str) -> None:
    assert read_terms(parameters, Arrival(b"", task=metadata), SETTINGS).task == task


def test_a_size_can_be_pinned_and_the_parameter_wins() -> None:
    assert read_terms({}, Arrival(b""), SETTINGS).size == ""
    assert read_terms({}, Arrival(b"", size="small"), SETTINGS).size == "small"
    assert read_terms({"bes-size": "large"}, Arrival(b"", size="small"), SETTINGS).size == "large"


@pytest.mark.parametrize("value", ["huge", "", 3])
def test_an_unknown_size_is_refused_with_the_sizes_there_are(value: object) -> None:
    with pytest.raises(MalformedError, match=r"^bes-size: .* is not one of small, medium, large$"):
        read_terms({"bes-size": value}, Arrival(b""), SETTINGS)
