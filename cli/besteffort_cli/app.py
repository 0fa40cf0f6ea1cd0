"""The verbs of `besteffort`, and the one place where an error becomes a sentence and an exit code."""

from __future__ import annotations

import sys
from importlib.metadata import version as distribution_version
from typing import Annotated, NoReturn

import typer

from besteffort_cli import calibrate, demo, evaluate, inspection, learn, load, promotion, render, status, up, validate
from besteffort_cli.errors import CliError
from besteffort_cli.progress import INTERRUPTED
from besteffort_core.errors import CoreError
from besteffort_resource.errors import ResourceError
from besteffort_sim.errors import SimulationError
from besteffort_study.errors import StudyError
from besteffort_train.errors import TrainingError

__all__ = ["main"]

app = typer.Typer(
    name="besteffort",
    help="Serve several sizes of a model behind one endpoint: every request gets the best answer that arrives in time.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
policy = typer.Typer(help="Look into policy bundles; end the trial of one.", no_args_is_help=True)

app.command("demo")(demo.demo)
app.command("up")(up.up)
app.command("load")(load.load)
app.command("calibrate")(calibrate.calibrate)
app.command("simulate")(learn.simulate)
app.command("train")(learn.train)
app.command("evaluate")(evaluate.evaluate)
app.command("validate")(validate.validate)
app.command("render")(render.render)
app.command("status")(status.status)
app.add_typer(policy, name="policy")
policy.command("inspect")(inspection.policy_inspect)
policy.command("promote")(promotion.policy_promote)
policy.command("rollback")(promotion.policy_rollback)


@app.command()
def version() -> None:
    """Print the version of BestEffort and of the Python that runs it."""
    typer.echo(f"besteffort {distribution_version('besteffort')} (Python {sys.version.split()[0]})")


def _version_asked(asked: bool) -> None:  # noqa: FBT001 - as typer calls it
    if asked:
        version()
        raise typer.Exit


@app.callback()
def _options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_version_asked, is_eager=True, help="As the verb `version`.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run a verb; exit 1 with one sentence on a known error, 2 on wrong usage, 130 on Ctrl-C."""
    try:
        code = app(standalone_mode=False)
    except (CliError, CoreError, ResourceError, SimulationError, StudyError, TrainingError) as error:
        _fail(str(error), 1)
    except typer.Abort:
        _fail("stopped", INTERRUPTED)
    except typer.TyperException as error:
        if not error.format_message():  # a group without a verb has printed its help
            sys.exit(error.exit_code)
        _fail(_usage(error), error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _usage(error: typer.TyperException) -> str:
    context: typer.Context | None = getattr(error, "ctx", None)
    verb = context.command_path if context else "besteffort"
    return f"{error.format_message().rstrip('.')}; {verb} -h explains."


def _fail(sentence: str, code: int) -> NoReturn:
    sys.stderr.write(f"besteffort: {sentence}\n")
    sys.exit(code)
