"""The commands: `python -m besteffort_models train | export | evaluate | prompts`.

Only this module prints.
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from pathlib import Path
from typing import TextIO

from besteffort_models.errors import MissingFileError, ModelsError
from besteffort_models.evaluate import draw_prompts, read_prompts, score, write_prompts
from besteffort_models.export import export_onnx
from besteffort_models.generation import Generator
from besteffort_models.sizes import SIZES, Size
from besteffort_models.train import Progress, train
from besteffort_models.weights import load_weights, save_weights

__all__ = ["main"]

INTERRUPTED = 130
EXPLANATION = """\
The demo serves three sizes of one small language model. This program makes them, on one CPU core each:

  train      learn the tasks from nothing; writes WEIGHTS/<size>.safetensors
  export     turn the weights into MODELS/<size>/1/model.onnx, which Triton serves
  evaluate   answer the held-out prompts with the exported files: accuracy and compute
  prompts    draw the held-out prompts again (they are never trained on)

The same command gives the same weights again on the same kind of processor.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except ModelsError as error:
        _say(f"error: {error}", sys.stderr)
        return 1
    except KeyboardInterrupt:
        _say("stopped; what was finished is kept", sys.stderr)
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m besteffort_models",
        description=EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, text in (
        ("train", _train, "train from nothing (an hour for all sizes on two cores)"),
        ("export", _export, "write the ONNX files from the trained weights"),
        ("evaluate", _evaluate, "measure accuracy and compute of the ONNX files"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument("--size", choices=SIZES, action="append", help="repeat for several; default: all")
        command.add_argument("--weights", type=Path, default=Path(".besteffort/weights"), help="default: %(default)s")
        _add_models(command)
    command = commands.add_parser("prompts", help="draw the held-out prompts", description="draw the held-out prompts")
    command.set_defaults(run=_prompts)
    command.add_argument("--per-task", type=int, default=400, help="how many of each task; default: %(default)s")
    command.add_argument("--seed", type=int, default=2024, help="default: %(default)s")
    _add_models(command)
    return parser


def _add_models(command: argparse.ArgumentParser) -> None:
    command.add_argument("--demo", type=Path, default=Path("examples/demo"), help="the demo; default: %(default)s")


def _sizes(options: argparse.Namespace) -> list[Size]:
    return [SIZES[name] for name in options.size or SIZES]


def _model_path(options: argparse.Namespace, size: Size) -> Path:
    path: Path = options.demo / "models" / size.name / "1" / "model.onnx"
    return path


def _train(options: argparse.Namespace) -> None:
    for size in _sizes(options):
        decoder = train(size, report=functools.partial(_say_progress, size, time.monotonic()))
        save_weights(decoder, options.weights / f"{size.name}.safetensors")


def _say_progress(size: Size, began_s: float, progress: Progress) -> None:
    steps = size.steps + size.decay_steps
    left_s = (time.monotonic() - began_s) * (steps - progress.step) / progress.step
    _say(f"{size.name}: step {progress.step} of {steps}, loss {progress.loss:.4f}, {left_s:.0f} s to go")


def _export(options: argparse.Namespace) -> None:
    for size in _sizes(options):
        path = _model_path(options, size)
        export_onnx(load_weights(size, options.weights / f"{size.name}.safetensors"), size, path)
        _say(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def _evaluate(options: argparse.Namespace) -> None:
    prompts = read_prompts(_existing(options.demo / "prompts.jsonl", "prompts"))
    for size in _sizes(options):
        result = score(Generator(_existing(_model_path(options, size), "export")), prompts)
        tasks = ", ".join(f"{task} {share:.1%}" for task, share in result.by_task.items())
        _say(f"{size.name}: {result.accuracy:.1%} right, {result.request_ms:.2f} ms a request ({tasks})")


def _prompts(options: argparse.Namespace) -> None:
    path = options.demo / "prompts.jsonl"
    write_prompts(draw_prompts(per_task=options.per_task, seed=options.seed), path)
    _say(f"wrote {path}")


def _say(text: str, stream: TextIO | None = None) -> None:
    (stream or sys.stdout).write(f"{text}\n")
    (stream or sys.stdout).flush()


def _existing(path: Path, command: str) -> Path:
    if not path.exists():
        raise MissingFileError(f"{path} is missing: run `python -m besteffort_models {command}` first")
    return path


if __name__ == "__main__":
    sys.exit(main())
