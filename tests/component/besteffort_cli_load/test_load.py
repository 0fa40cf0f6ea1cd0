from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from besteffort_cli.errors import InputError
from besteffort_cli.load import load
from support.fake_router import FakeRouter

SAMPLE = Path(__file__).parents[3] / "examples" / "demo" / "trace.csv"


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(load)
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def prompts(tmp_path: Path) -> str:
    rows = [{"task": task, "prompt": "1+1=", "answer": "2"} for task in ("right", "wrong", "refused", "failed")]
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_a_trace_is_replayed_and_summed_up_as_json(prompts: str) -> None:
    with FakeRouter() as server:
        done = run(
            *(server.address, "--model", "assistant", "--trace", str(SAMPLE), "--rate-rps", "80", "--length-s", "1"),
            *("--prompts", prompts, "--deadline-ms", "2000", "--output", "json"),
        )
    assert done.exit_code == 0, done.output
    (summary,) = json.loads(done.stdout)["rounds"]
    assert (summary["offered"], summary["in_time"], summary["refused"], summary["failed"]) == (80, 40, 20, 20)
    assert summary["reward"] == 0.25
    assert summary["size_shares"] == {"small": 1.0}


def test_the_folder_gets_figures_picture_and_page(prompts: str, tmp_path: Path) -> None:
    with FakeRouter() as server:
        done = run(
            *(server.address, "--model", "assistant", "--rate-rps", "40", "--length-s", "0.5", "--prompts", prompts),
            *("--out", str(tmp_path / "new" / "folder"), "--html"),
        )
    assert done.exit_code == 0, done.output
    assert "availability" in done.stdout
    folder = tmp_path / "new" / "folder"
    assert {path.name for path in folder.iterdir()} == {"load.json", "load.png", "load.html"}
    assert json.loads((folder / "load.json").read_text())["policy"] == "assistant"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "give --trace FILE or --rate-rps RATE"),
        (["--rate-rps", "1e9"], "more than 2000000 requests; lower one of them"),
        (["--rate-rps", "1", "--html"], "--html needs --out"),
        (["--trace", "none.csv"], r"none\.csv cannot be read"),
    ],
)
def test_what_makes_no_replay_is_refused_in_one_sentence(arguments: list[str], sentence: str) -> None:
    done = run("127.0.0.1:1", "--model", "assistant", *arguments)
    assert isinstance(done.exception, InputError)
    with pytest.raises(InputError, match=sentence):
        raise done.exception
