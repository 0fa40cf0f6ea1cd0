"""Training from scratch on one CPU core: Muon for the matrices, AdamW for the rest, loss on what follows the prompt.

The same size gives the same weights again on the same kind of processor with the same PyTorch.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from besteffort_models.alphabet import VOCABULARY
from besteffort_models.batches import IGNORED, batches
from besteffort_models.network import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from besteffort_models.batches import Piece
    from besteffort_models.sizes import Size

__all__ = ["Progress", "build_decoder", "train"]

MASKED = -1e4


@dataclass(frozen=True)
class Progress:
    """One report of a running training: the step just done and the mean loss since the last report."""

    step: int
    loss: float


@dataclass(frozen=True)
class _Stage:
    """A part of the training: its steps, the seed of its problems, the share of the learning rate at a step."""

    steps: int
    seed: int
    rate: Callable[[int], float]


def build_decoder(size: Size) -> Decoder:
    """Build the untrained model of a size; its seed decides the weights."""
    torch.manual_seed(size.seed)
    return Decoder(
        vocabulary=VOCABULARY, positions=size.positions, width=size.width, layers=size.layers, heads=size.heads
    )


def train(size: Size, *, report: Callable[[Progress], None], report_every: int = 100) -> Decoder:
    """Train a size on one thread and return the model: first at full rate, then falling to zero."""
    torch.set_num_threads(1)
    decoder = build_decoder(size)
    rise = _Stage(size.steps, size.seed, lambda step: min(1.0, (step + 1) / size.warm_up_steps))
    fall = _Stage(size.decay_steps, size.seed + 1, lambda step: 1 - step / size.decay_steps)
    losses: list[float] = []
    for step, loss in enumerate(itertools.chain(*(_run(decoder, size, stage) for stage in (rise, fall))), start=1):
        losses.append(loss)
        if step % report_every == 0:
            report(Progress(step, sum(losses) / len(losses)))
            losses.clear()
    return decoder


def _run(decoder: Decoder, size: Size, stage: _Stage) -> Iterator[float]:
    """Take the steps of one stage with fresh optimizers; yield the loss of each."""
    optimizers = _optimizers(decoder, size)
    schedules = [torch.optim.lr_scheduler.LambdaLR(each, stage.rate) for each in optimizers]
    for pieces in itertools.islice(batches(size, stage.seed), stage.steps):
        loss = _learn(decoder, pieces)
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
        decoder.zero_grad(set_to_none=True)
        yield loss


def _learn(decoder: Decoder, pieces: list[Piece]) -> float:
    """Add the gradients of one batch and return its mean loss in nats a token."""
    counted = sum(int((piece.targets != IGNORED).sum()) for piece in pieces)
    total = 0.0
    for piece in pieces:
        loss = _summed_loss(decoder, piece) / counted
        torch.autograd.backward(loss)
        total += float(loss.detach())
    torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
    return total


def _summed_loss(decoder: Decoder, piece: Piece) -> Tensor:
    rows, length = piece.ids.shape
    positions = torch.arange(length).expand(rows, length)
    mask = torch.full((length, length), MASKED, dtype=torch.bfloat16).triu(1).expand(rows, 1, length, length)
    counted = piece.targets != IGNORED
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states, _ = decoder(piece.ids, positions, mask)
        logits = decoder.read_out(states[counted])
    return functional.cross_entropy(logits.float(), piece.targets[counted], reduction="sum")


def _optimizers(decoder: Decoder, size: Size) -> list[torch.optim.Optimizer]:
    matrices = [weight for name, weight in decoder.named_parameters() if weight.ndim > 1 and ".layers." in name]
    chosen = {id(weight) for weight in matrices}
    others = [weight for weight in decoder.parameters() if id(weight) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=size.matrix_learning_rate, weight_decay=size.weight_decay),
        torch.optim.AdamW(others, lr=size.learning_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]
