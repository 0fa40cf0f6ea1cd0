from __future__ import annotations

import numpy as np
import pytest

from besteffort_core.dqn import Network, q_values
from besteffort_train.experience import Transitions
from besteffort_train.perceptron import Parameters, apart, build_parameters, fit, gradient, values

SHAPE = (5, 8, 3)


@pytest.fixture
def parameters() -> Parameters:
    return build_parameters(*SHAPE, np.random.default_rng(0))


def rows(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, SHAPE[0])).astype(np.float32)


def taken(
    action: list[int], gain: list[float], *, discount: float = 0.0, offered: list[int] | None = None
) -> Transitions:
    """Return transitions that each lead from a state of their own back to the state of the first."""
    n, allowed = len(action), np.zeros((len(action), SHAPE[2]), np.bool_)
    allowed[:, [0, 1, 2] if offered is None else offered] = True
    return Transitions(
        state=rows(n),
        action=np.array(action),
        gain=np.array(gain, np.float32),
        discount=np.full(n, discount, np.float32),
        following=np.repeat(rows(n)[:1], n, axis=0),
        offered=allowed,
    )


def fitted(p: Parameters, kept: Transitions, steps: int) -> np.ndarray:
    """Return the values of all states after so many steps on all transitions."""
    chosen = np.tile(np.arange(kept.action.size), (steps, 1))
    fit(p, kept, chosen, 0, np.full(steps, 3e-3, np.float32), 0.05)
    found: np.ndarray = values(p.target, kept.state, *SHAPE)
    return found


def test_the_gradient_is_that_of_the_squared_error(parameters: Parameters) -> None:
    state, action, wanted = rows(6), np.array([0, 1, 2, 0, 1, 2]), np.arange(6, dtype=np.float32)

    def loss(flat: np.ndarray) -> float:
        found = values(flat, state, *SHAPE)[np.arange(6), action]
        return float(np.mean((found.astype(np.float64) - wanted) ** 2))

    slope = gradient(parameters, state, action, wanted)
    for i in np.random.default_rng(2).choice(slope.size, 40, replace=False):
        up, down = parameters.online.copy(), parameters.online.copy()
        up[i] += 1e-2
        down[i] -= 1e-2
        assert slope[i] == pytest.approx((loss(up) - loss(down)) / 2e-2, rel=0.02, abs=0.01)


def test_values_become_the_gains_where_nothing_follows(parameters: Parameters) -> None:
    kept = taken([0, 1, 2], [0.2, 0.9, -0.4])
    found = fitted(parameters, kept, 1500)
    assert found[np.arange(3), kept.action] == pytest.approx([0.2, 0.9, -0.4], abs=0.02)


def test_what_follows_counts_by_its_best_offered_action_only(parameters: Parameters) -> None:
    """All lead to the state of the first, where action 2 is worth the most but is not offered."""
    kept = taken([1, 2, 0], [1.0, 3.0, 0.25], discount=0.5, offered=[0, 1])
    kept.state[1] = kept.state[0]
    kept.discount[:2] = 0.0
    kept.gain[:2] = (1.0, 3.0)
    found = fitted(parameters, kept, 2500)
    assert found[0, 2] == pytest.approx(3.0, abs=0.1)
    worth = max(found[0, 0], found[0, 1])
    assert found[2, 0] == pytest.approx(0.25 + 0.5 * worth, abs=0.05)
    assert worth < 2.5


def test_the_exported_network_ranks_actions_as_the_values_do(parameters: Parameters) -> None:
    layers = apart(parameters.target, *SHAPE)
    network = Network(*layers, low=np.zeros(SHAPE[0], np.float32), high=np.zeros(SHAPE[0], np.float32))
    whole = values(parameters.target, rows(20), *SHAPE)
    for row, found in zip(rows(20), whole, strict=True):
        alone = q_values(network, row)
        assert alone - alone.mean() == pytest.approx(found - found.mean(), abs=1e-5)


def test_the_target_follows_by_its_share(parameters: Parameters) -> None:
    before = parameters.online.copy()
    fit(parameters, taken([0], [1.0]), np.zeros((1, 1), np.int64), 0, np.array([1e-3], np.float32), 0.25)
    assert np.abs(parameters.online - before).max() == pytest.approx(1e-3, rel=0.01)
    assert parameters.target - before == pytest.approx(0.25 * (parameters.online - before), abs=1e-7)
