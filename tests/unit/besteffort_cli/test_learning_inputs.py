from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from besteffort_cli.errors import InputError
from besteffort_cli.learn import train
from besteffort_cli.learning_inputs import scaled_arrivals
from besteffort_train.episodes import Service
from support.pools import SIZES, TASKS, three_sizes

if TYPE_CHECKING:
    from pathlib import Path

LONG = (
    r"^\S+ lasts {lasts} s at --rate-factor {factor}, but at most {most} s can be played \(.*\); cut it or raise .*\.$"
)


def service(deadline_s: float) -> Service:
    return Service(TASKS, SIZES, three_sizes(), deadline_s, 64)


def trace(folder: Path, last: str) -> Path:
    path = folder / "trace.csv"
    times = ("2023-11-16 00:00:00", last)
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(f"{time},1,1\n" for time in times))
    return path


def test_a_trace_is_played_faster_from_its_first_arrival_on(tmp_path: Path) -> None:
    assert scaled_arrivals(service(0.4), trace(tmp_path, "2023-11-16 00:00:10"), 4.0).tolist() == [0.0, 2.5]


@pytest.mark.parametrize(
    ("last", "factor", "deadline_s", "lasts", "most"),
    [
        ("2026-11-16 00:00:00", 1.0, 30.0, 94694400, 86400),
        ("2023-11-16 00:00:01", 1e-6, 30.0, 1000000, 86400),
        ("2023-11-16 01:00:00", 1.0, 0.01, 3600, 2000),
    ],
)
def test_a_trace_that_lasts_too_long_as_it_is_played_is_refused(
    last: str, factor: float, deadline_s: float, lasts: int, most: int, tmp_path: Path
) -> None:
    path = trace(tmp_path, last)
    with pytest.raises(InputError, match=LONG.format(lasts=lasts, factor=f"{factor:g}", most=most)):
        scaled_arrivals(service(deadline_s), path, factor)
    assert scaled_arrivals(service(deadline_s), path, factor * lasts / most * 1.001).size == 2


def test_rounds_of_the_search_are_refused_where_a_dqn_is_trained() -> None:
    app = typer.Typer()
    app.command()(train)
    done = CliRunner().invoke(app, ["--service", "service.yaml", "--kind", "DQN", "--rounds", "2"])
    assert isinstance(done.exception, InputError)
    assert str(done.exception) == "--rounds has no effect with --kind DQN; leave it out."
