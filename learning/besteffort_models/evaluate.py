"""Evaluation: exact match and milliseconds of compute of an exported model on the committed prompts.

It measures the files as they are served: ONNX Runtime, one thread, batches as Triton forms them.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from besteffort_models.tasks import TASKS, answer_of, draw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from besteffort_models.generation import Generator

__all__ = ["Prompt", "Score", "draw_prompts", "read_prompts", "score", "write_prompts"]

BATCH = 8


@dataclass(frozen=True)
class Prompt:
    """One held-out row: what is asked, under which task, and the only right answer."""

    task: str
    prompt: str
    answer: str


@dataclass(frozen=True)
class Score:
    """Exact match (0 to 1) per task, and compute per request in milliseconds at batch 8."""

    by_task: dict[str, float]
    request_ms: float

    @property
    def accuracy(self) -> float:
        """Return the mean over tasks."""
        return statistics.fmean(self.by_task.values())


def draw_prompts(*, per_task: int, seed: int) -> list[Prompt]:
    """Draw distinct held-out prompts, the same number of each task, shuffled."""
    rng = random.Random(seed)  # noqa: S311 - a repeatable draw, not a secret
    rows: dict[str, Prompt] = {}
    for index, task in enumerate(TASKS, start=1):
        while len(rows) < index * per_task:
            problem = draw(rng, task=task, held_out=True)
            rows[problem.prompt] = Prompt(task, problem.prompt, problem.answer)
    prompts = list(rows.values())
    rng.shuffle(prompts)
    return prompts


def write_prompts(prompts: Sequence[Prompt], path: Path) -> None:
    """Write one JSON object a line."""
    path.write_text("".join(json.dumps(asdict(prompt)) + "\n" for prompt in prompts))


def read_prompts(path: Path) -> list[Prompt]:
    """Read what write_prompts wrote."""
    return [Prompt(**json.loads(line)) for line in path.read_text().splitlines()]


def score(generator: Generator, prompts: Sequence[Prompt]) -> Score:
    """Answer all prompts in batches of 8, in their order, and count and time the answers."""
    right: dict[str, list[bool]] = {task: [] for task in sorted({prompt.task for prompt in prompts})}
    generator.complete([prompt.prompt for prompt in prompts[:BATCH]])  # The first run allocates memory.
    spent_s = 0.0
    for start in range(0, len(prompts), BATCH):
        batch = prompts[start : start + BATCH]
        began_s = time.perf_counter()
        outputs = generator.complete([prompt.prompt for prompt in batch])
        spent_s += time.perf_counter() - began_s
        for prompt, output in zip(batch, outputs, strict=True):
            right[prompt.task].append(answer_of(output) == prompt.answer)
    return Score({task: statistics.fmean(marks) for task, marks in right.items()}, 1000 * spent_s / len(prompts))
