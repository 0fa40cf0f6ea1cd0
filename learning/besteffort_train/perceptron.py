"""Gradient steps of a Double DQN on networks of two hidden layers. Compiled: small networks, many steps.

All numbers are one vector. Its first part tells the actions apart, its second is the value that they share, a network
of its own; only the first is exported.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from besteffort_train.experience import Transitions

    Floats = NDArray[np.float32]

__all__ = ["Layers", "Parameters", "apart", "build_parameters", "fit", "values"]

MEAN_GAIN, SQUARE_GAIN, EPSILON = np.float32(0.1), np.float32(0.001), np.float32(1e-8)
"""The usual numbers of Adam (Kingma and Ba 2015)."""
NONE, TWO = np.float32(0.0), np.float32(2.0)

Function = TypeVar("Function", bound="Callable[..., Any]")


def compiled(function: Function) -> Function:
    """Return a function as machine code that runs beside others."""
    dispatcher: Any = numba.njit(nogil=True, cache=True)(function)
    return cast("Function", dispatcher)


class Layers(NamedTuple):
    """Views of one network: weights (in, out) and biases."""

    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats
    w3: Floats
    b3: Floats


class Parameters(NamedTuple):
    """What a gradient step changes, each a vector of the same length, and the widths."""

    online: Floats
    target: Floats
    mean: Floats
    """Of the gradient and of its square, as Adam keeps them."""
    square: Floats
    inputs: int
    hidden: int
    actions: int


def build_parameters(inputs: int, hidden: int, actions: int, rng: np.random.Generator) -> Parameters:
    """Return networks with numbers drawn uniformly within 1 / sqrt(inputs of the layer)."""
    drawn = [
        rng.uniform(-1.0, 1.0, (rows + 1) * columns) / math.sqrt(rows)
        for outputs in (actions, 1)
        for rows, columns in ((inputs, hidden), (hidden, hidden), (hidden, outputs))
    ]
    online = np.concatenate(drawn).astype(np.float32)
    return Parameters(online, online.copy(), np.zeros_like(online), np.zeros_like(online), inputs, hidden, actions)


@compiled
def layers_from(flat: Floats, start: int, inputs: int, hidden: int, outputs: int) -> Layers:
    """Return the network whose numbers begin at `start`."""
    a = start + inputs * hidden
    b = a + hidden
    c = b + hidden * hidden
    d = c + hidden
    e = d + hidden * outputs
    return Layers(
        flat[start:a].reshape(inputs, hidden),
        flat[a:b],
        flat[b:c].reshape(hidden, hidden),
        flat[c:d],
        flat[d:e].reshape(hidden, outputs),
        flat[e : e + outputs],
    )


@compiled
def apart(flat: Floats, inputs: int, hidden: int, actions: int) -> Layers:
    """Return the network that tells the actions apart."""
    return layers_from(flat, 0, inputs, hidden, actions)


@compiled
def shared(flat: Floats, inputs: int, hidden: int, actions: int) -> Layers:
    """Return the network of what they share."""
    return layers_from(flat, (inputs + 1 + hidden + 1) * hidden + (hidden + 1) * actions, inputs, hidden, 1)


@compiled
def forward(layers: Layers, rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Return both hidden layers and the outputs of each row."""
    first = np.maximum(np.dot(rows, layers.w1) + layers.b1, NONE)
    second = np.maximum(np.dot(first, layers.w2) + layers.b2, NONE)
    return first, second, np.dot(second, layers.w3) + layers.b3


@compiled
def joined(differing: Floats, common: Floats) -> Floats:
    """Return the values of the actions, (rows, actions): their mean is what they share."""
    found = np.empty_like(differing)
    for row in range(differing.shape[0]):
        found[row] = common[row, 0] + differing[row] - differing[row].mean()
    return found


@compiled
def values(flat: Floats, rows: Floats, inputs: int, hidden: int, actions: int) -> Floats:
    """Return the value of each action for each row."""
    differing = forward(apart(flat, inputs, hidden, actions), rows)[2]
    return joined(differing, forward(shared(flat, inputs, hidden, actions), rows)[2])


@compiled
def backward(
    slopes: Layers, layers: Layers, rows: Floats, hidden: tuple[Floats, Floats, Floats], slope: Floats
) -> None:
    """Write the gradient of one network, given that of its outputs."""
    first, second, _ = hidden
    to_second = np.where(second > NONE, np.dot(slope, layers.w3.T), NONE)
    to_first = np.where(first > NONE, np.dot(to_second, layers.w2.T), NONE)
    slopes.w3[:] = np.dot(second.T, slope)
    slopes.b3[:] = slope.sum(axis=0)
    slopes.w2[:] = np.dot(first.T, to_second)
    slopes.b2[:] = to_second.sum(axis=0)
    slopes.w1[:] = np.dot(rows.T, to_first)
    slopes.b1[:] = to_first.sum(axis=0)


@compiled
def gradient(p: Parameters, rows: Floats, action: NDArray[np.int64], wanted: Floats) -> Floats:
    """Return the gradient of the mean of (value of the action - wanted)^2, as one vector."""
    slopes, shape = np.empty_like(p.online), (p.inputs, p.hidden, p.actions)
    own, common = apart(p.online, *shape), shared(p.online, *shape)
    differing, shares = forward(own, rows), forward(common, rows)
    found = joined(differing[2], shares[2])
    slope, whole = np.empty_like(found), np.empty_like(shares[2])
    for row in range(rows.shape[0]):
        error = TWO * (found[row, action[row]] - wanted[row]) / np.float32(rows.shape[0])
        whole[row, 0] = error
        slope[row] = -error / np.float32(p.actions)
        slope[row, action[row]] += error
    backward(apart(slopes, *shape), own, rows, differing, slope)
    backward(shared(slopes, *shape), common, rows, shares, whole)
    return slopes


@compiled
def fit(p: Parameters, kept: Transitions, chosen: NDArray[np.int64], first: int, rates: Floats, follow: float) -> None:
    """Take one gradient step for each row of `chosen`, (steps, batch), in place; `first` steps were taken before."""
    shape = (p.inputs, p.hidden, p.actions)
    for k in range(chosen.shape[0]):
        at = chosen[k]
        state, following, action = kept.state[at], kept.following[at], kept.action[at]
        best, later = values(p.online, following, *shape), values(p.target, following, *shape)
        wanted = kept.gain[at]
        for row in range(at.shape[0]):
            chosen_next = -1
            for a in range(p.actions):
                if kept.offered[at[row], a] and (chosen_next < 0 or best[row, a] > best[row, chosen_next]):
                    chosen_next = a
            wanted[row] += kept.discount[at[row]] * later[row, chosen_next]
        slope = gradient(p, state, action, wanted)
        steps = first + k + 1
        scale = rates[k] * math.sqrt(1.0 - (1.0 - 0.001) ** steps) / (1.0 - (1.0 - 0.1) ** steps)
        for i in range(slope.shape[0]):
            p.mean[i] += MEAN_GAIN * (slope[i] - p.mean[i])
            p.square[i] += SQUARE_GAIN * (slope[i] * slope[i] - p.square[i])
            p.online[i] -= np.float32(scale) * p.mean[i] / (np.sqrt(p.square[i]) + EPSILON)
            p.target[i] += np.float32(follow) * (p.online[i] - p.target[i])
