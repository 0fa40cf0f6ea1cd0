from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from besteffort_core.bundle import parse_bundle
from besteffort_core.learned import q_values
from besteffort_core.observation import observation_length
from besteffort_train.dqn import QNetwork, network_of
from besteffort_train.errors import ExportError
from besteffort_train.export import TOLERANCE, export, greatest_difference
from support.bundles import random_bundle
from support.pools import SIZES, TASKS

LENGTH = observation_length(len(TASKS), len(SIZES))
LOW, HIGH = np.full(LENGTH, -2, np.float32), np.full(LENGTH, 2, np.float32)


@pytest.fixture
def model() -> QNetwork:
    torch.manual_seed(0)
    return QNetwork(LENGTH, 16, len(SIZES))


@pytest.fixture
def observations() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(64, LENGTH)).astype(np.float32)


def test_what_is_read_back_says_what_torch_says(model: QNetwork, observations: np.ndarray) -> None:
    bundle = dataclasses.replace(random_bundle(), network=network_of(model, LOW, HIGH))
    read = parse_bundle(export(bundle, model.sizes, observations))
    with torch.no_grad():
        wanted = model.sizes(torch.from_numpy(observations)).numpy()
    found = np.array([q_values(read.network, one) for one in observations])
    assert found == pytest.approx(wanted, abs=1e-5)
    assert (read.network.low.tolist(), read.network.high.tolist()) == (LOW.tolist(), HIGH.tolist())


def test_a_network_is_a_copy_that_further_steps_do_not_change(model: QNetwork, observations: np.ndarray) -> None:
    network = network_of(model, LOW, HIGH)
    assert greatest_difference(model.sizes, network, observations) <= TOLERANCE
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    assert greatest_difference(model.sizes, network, observations) > 0.1


@pytest.mark.parametrize("wrong", [1e-3, np.nan])
def test_nothing_is_written_where_torch_and_numpy_disagree(
    model: QNetwork, observations: np.ndarray, wrong: float
) -> None:
    network = network_of(model, LOW, HIGH)
    network.b3[1] += wrong
    with pytest.raises(ExportError, match=r"^policy: torch and numpy differ by .*; nothing is written$"):
        export(dataclasses.replace(random_bundle(), network=network), model.sizes, observations)


def test_differences_count_relative_to_large_values(model: QNetwork, observations: np.ndarray) -> None:
    with torch.no_grad():
        model.sizes[4].bias += 1000.0
    network = network_of(model, LOW, HIGH)
    network.b3[0] += 1.0
    assert greatest_difference(model.sizes, network, observations) == pytest.approx(1e-3, rel=0.1)
