from __future__ import annotations

import numpy as np
import pytest

from besteffort_core.latency import next_token_s
from besteffort_core.model import Pool
from besteffort_study.errors import StudyError
from besteffort_study.pools import build_study_pool, true_world
from besteffort_study.profiles import gpu_profile
from besteffort_study.scenarios import scenario

A100 = gpu_profile("a100_roofline")


def pool_of(layout: str, name: str = "MX") -> Pool:
    return build_study_pool(A100, layout, scenario(name))


@pytest.mark.parametrize(
    ("layout", "size_of", "device_of"),
    [
        ("co", [0, 1, 2] * 4, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]),
        ("ded", [2, 2, 1, 0], [0, 1, 2, 3]),
        ("3L1x", [2, 2, 2, 0, 1], [0, 1, 2, 3, 3]),
        ("tp2", [2, 1, 0], [0, 1, 2]),
        ("L L L L L L L L", [2] * 8, list(range(8))),
    ],
)
def test_a_layout_says_which_size_lies_on_which_gpu(layout: str, size_of: list[int], device_of: list[int]) -> None:
    pool = pool_of(layout)
    assert pool.size_of.tolist() == size_of
    assert pool.device_of.tolist() == device_of
    assert pool.turns


@pytest.mark.parametrize("layout", ["", "SML XL", "LLL", "LL L", "SS"])
def test_a_layout_that_makes_no_sense_is_refused(layout: str) -> None:
    with pytest.raises(StudyError, match=r"^layout "):
        pool_of(layout)


def test_what_shares_a_gpu_shares_its_memory() -> None:
    shared, alone = pool_of("co"), pool_of("ded")
    kv_bytes = np.array([size.context_bytes for size in A100.sizes])
    weights_bytes = sum(size.weights_bytes for size in A100.sizes)
    assert (shared.max_context * kv_bytes).sum() == pytest.approx(0.9 * 80e9 - weights_bytes, rel=1e-3)
    assert (alone.max_context > 1.5 * shared.max_context).all()


def test_a_split_size_is_faster_and_has_more_room() -> None:
    split, whole = pool_of("tp2"), pool_of("ded")
    assert split.batch_s[2, 512] < 0.65 * whole.batch_s[2, 512]
    assert split.max_context[2] > 2 * whole.max_context[2]
    assert split.batch_s[1] == pytest.approx(whole.batch_s[1])


def test_only_where_something_is_generated_does_a_pool_know_steps() -> None:
    assert pool_of("co", "SC").mean_steps == 0.0
    generating = pool_of("co", "GE")
    assert (generating.mean_prompt, generating.mean_steps) == (150.0, 40.0)
    assert next_token_s(generating, 2, 1, 1.0) == pytest.approx(5.2e-3 + 8.4e-3, rel=0.05)


def test_a_soft_scenario_makes_a_soft_pool() -> None:
    assert [pool_of("co", name).grace_factor for name in ("SC", "SCs")] == [1.0, 2.0]


def test_the_true_world_is_the_pool() -> None:
    pool = pool_of("co")
    world = true_world(pool)
    assert world.slowness.tolist() == [1.0] * 3
    assert world.ready.all()
    assert world.ready.size == pool.size_of.size
    assert world.foresight
