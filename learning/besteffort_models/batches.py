"""Batches: problems turned into padded token ids with the tokens that count for the loss."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from besteffort_models.alphabet import END, PADDING, encode
from besteffort_models.tasks import TASKS, draw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from besteffort_models.sizes import Size
    from besteffort_models.tasks import Problem, Working

__all__ = ["IGNORED", "Piece", "batches"]

IGNORED = -100
LENGTH_STEP = 8  # Few different shapes: the matrix library compiles code for each new one.


@dataclass(frozen=True)
class Piece:
    """Inputs and the targets one token on, both [rows, length]; a target of IGNORED costs nothing."""

    ids: Tensor
    targets: Tensor


def batches(size: Size, seed: int) -> Iterator[list[Piece]]:
    """Yield training batches without end, each in pieces of like length; the seed decides all of them."""
    rng = random.Random(seed)  # noqa: S311 - a repeatable draw, not a secret
    while True:
        problems = [draw(rng, task=rng.choice(list(TASKS)), held_out=False) for _ in range(size.batch)]
        rows = [_row(problem, size.working) for problem in problems]
        rows.sort(key=lambda row: len(row[0]))
        step = size.batch // size.pieces
        yield [_pad(rows[start : start + step]) for start in range(0, size.batch, step)]


def _row(problem: Problem, working: Working) -> tuple[list[int], int]:
    """Return the tokens of prompt and completion, and how many of them are given."""
    prompt = [END, *encode(problem.prompt)]
    return [*prompt, *encode(problem.completion(working)), END], len(prompt)


def _pad(rows: list[tuple[list[int], int]]) -> Piece:
    longest = max(len(tokens) for tokens, _ in rows) - 1
    length = 1 + -(-longest // LENGTH_STEP) * LENGTH_STEP
    ids = torch.full((len(rows), length), PADDING)
    targets = torch.full((len(rows), length), IGNORED)
    for index, (tokens, given) in enumerate(rows):
        ids[index, : len(tokens)] = torch.tensor(tokens)
        targets[index, given : len(tokens)] = torch.tensor(tokens[given:])
    return Piece(ids[:, :-1], targets[:, 1:])
