from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from besteffort_cli.errors import InputError
from besteffort_cli.evaluate import evaluate
from besteffort_cli.study_run import used_cores
from besteffort_study.errors import StudyError

app = typer.Typer()
app.command()(evaluate)
STUDY, SERVICE = ("--study", "quick", "--out", "."), ("--service", "service.yaml")
CLUSTER = ("--study", "quick", "--executor", "kubernetes")


def run(*words: str) -> str:
    done = CliRunner().invoke(app, words)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), r"give either --service FILE or --study NAME\."),
        (("--service", "service.yaml", "--study", "quick"), r"give either --service FILE or --study NAME\."),
        (("--study", "quick"), r"--study needs --out FOLDER: .*\."),
        ((*CLUSTER, "--claim", "results"), r"--executor kubernetes needs --image too\."),
        ((*CLUSTER, "--image", "i"), r"--executor kubernetes needs --claim too\."),
        (("--study", "quick", "--out", ".", "--shard", "8/8"), r"--shard 8/8: write I/N .*, as 0/8\."),
        (("--study", "quick", "--out", ".", "--shard", "first"), r"--shard first: write I/N .*, as 0/8\."),
        (("--study", "slow"), r"study 'slow' is not one of quick, full"),
        (("--study", "quick", "--out", ".", "--seeds", "1"), r"seeds: a report needs at least 2, .*"),
        (("--study", "quick", "--out", ".", "--gpu", "abacus"), r"gpu 'abacus' is not one of .*"),
    ],
)
def test_what_will_not_do_is_one_sentence(words: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    shown = [str(tmp_path) if word == "." else word for word in words]
    with pytest.raises((InputError, StudyError), match=rf"^{sentence}$"):
        run(*shown)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "option", "where"),
    [
        *[
            ((*STUDY, option, word), option, "with --study")
            for option, word in [
                ("--profile", "p.yaml"),
                ("--bundle", "b"),
                ("--trace", "t.csv"),
                ("--rate-factor", "1"),
                ("--slowness", "2"),
                ("--seed", "0"),
            ]
        ],
        *[
            ((*SERVICE, option, word), option, "with --service")
            for option, word in [
                ("--gpu", "a100_roofline"),
                ("--executor", "local"),
                ("--shards", "8"),
                ("--image", "i"),
                ("--claim", "c"),
                ("--shard", "0/2"),
            ]
        ],
        *[((*STUDY, option, "8"), option, "with --executor local") for option in ("--shards", "--image", "--claim")],
        *[
            ((*CLUSTER, option, word), option, "with --executor kubernetes")
            for option, word in [("--out", "."), ("--processes", "0"), ("--shard", "0/2")]
        ],
        ((*STUDY, "--shard", "0/2", "--output", "json"), "--output", "with --shard"),
        ((*SERVICE, "--rate-factor", "2"), "--rate-factor", "without --trace"),
        ((*SERVICE, "--processes", "2"), "--processes", "without --out"),
    ],
)
def test_an_option_without_effect_is_refused_even_with_its_default(
    words: tuple[str, ...], option: str, where: str
) -> None:
    with pytest.raises(InputError, match=rf"^{option} has no effect {where}; leave it out\.$"):
        run(*words)


@pytest.mark.parametrize("option", ["--slowness", "--rate-factor"])
@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_a_number_that_is_not_finite_is_wrong_usage(option: str, number: str) -> None:
    done = CliRunner().invoke(app, (*SERVICE, "--trace", "t.csv", option, number))
    assert done.exit_code == 2
    assert f"Invalid value for '{option}'" in done.output


def test_no_more_processes_play_than_there_are_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    assert [used_cores(asked) for asked in (0, 1, 3, 4, 100_000)] == [3, 1, 3, 3, 3]


@pytest.mark.parametrize(("words", "read"), [((), yaml.safe_load), (("--output", "json"), json.loads)])
def test_a_cluster_is_told_by_a_job_on_standard_output(words: tuple[str, ...], read: object) -> None:
    assert callable(read)
    job = read(run(*CLUSTER, "--image", "i:1", "--claim", "results", "--shards", "4", "--seeds", "12", *words))
    assert job["metadata"]["name"] == "besteffort-evaluate-quick"
    assert job["spec"]["completions"] == 4
    words_of_pod = " ".join(job["spec"]["template"]["spec"]["containers"][0]["command"])
    assert "--study quick --gpu a100_roofline --seeds 12 " in words_of_pod
