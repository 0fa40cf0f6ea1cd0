from __future__ import annotations

import pytest

from besteffort_study.errors import StudyError
from besteffort_study.profiles import PROFILES, Profile, gpu_profile, qualities, size_spec, tensor_parallel

A100 = gpu_profile("a100_roofline")


@pytest.mark.parametrize("name", PROFILES)
def test_a_larger_size_is_slower_and_better(name: str) -> None:
    sizes = gpu_profile(name).sizes
    assert [size.size for size in sizes] == ["opt-125m", "opt-1.3b", "opt-6.7b"]
    for units in (1, 150, 512):
        seconds = [size.seconds_by_units()[units] for size in sizes]
        assert seconds == sorted(seconds)
    means = [sum(qualities(size.size).values()) for size in sizes]
    assert means == sorted(means)


def test_a_profile_says_what_is_not_published() -> None:
    assert all(size.ours for name in PROFILES for size in gpu_profile(name).sizes)


def test_an_unknown_profile_is_refused_with_those_there_are() -> None:
    with pytest.raises(StudyError, match=r"^profile 'v100' is not one of a100_roofline, h100_public$"):
        gpu_profile("v100")


def test_a_pass_takes_the_weights_or_the_tokens_whichever_is_more() -> None:
    large = A100.sizes[2].seconds_by_units()
    assert large[1] == pytest.approx(5.2e-3 + 8.4e-3)
    assert large[512] == pytest.approx(5.2e-3 + 512 * 78e-6)
    assert max(large) == 512


@pytest.mark.parametrize("units", [1, 4, 8, 16, 32, 64, 128])
@pytest.mark.parametrize(
    ("size", "measured_ms"),
    [
        (1, {1: 3.58, 4: 3.80, 8: 4.28, 16: 4.90, 32: 6.49, 64: 8.67, 128: 14.17}),
        (2, {1: 10.83, 4: 11.50, 8: 12.18, 16: 13.70, 32: 16.40, 64: 21.32, 128: 33.45}),
    ],
)
def test_a_decode_step_on_the_h100_takes_what_was_measured(
    size: int, measured_ms: dict[int, float], units: int
) -> None:
    found = gpu_profile("h100_public").sizes[size]
    step_s = found.seconds_by_units()[units] + units * (found.sequence_s + 256 * found.context_s)
    assert 1e3 * step_s == pytest.approx(measured_ms[units], rel=0.06)


def test_the_kv_cache_of_a_token_takes_its_keys_and_values_in_all_layers() -> None:
    assert [size.context_bytes for size in A100.sizes] == [36_864, 196_608, 524_288]
    read_s = [size.context_bytes / (0.8 * 2.0e12) for size in A100.sizes]
    assert [size.context_s for size in A100.sizes] == pytest.approx(read_s, rel=0.03)


def test_a_split_halves_the_work_and_pays_for_two_exchanges_a_layer() -> None:
    whole = A100.sizes[2]
    free = Profile(A100.name, A100.memory_bytes, 1e30, 0.0, "", A100.sizes)
    split, paying = tensor_parallel(free, whole), tensor_parallel(A100, whole)
    assert (split.weights_s, split.unit_s) == pytest.approx((whole.weights_s / 2, whole.unit_s / 2))
    assert paying.overhead_s - whole.overhead_s == pytest.approx(64 * 10e-6)
    assert paying.unit_s - split.unit_s == pytest.approx(64 * 2 * 4096 / 200e9)
    assert paying.seconds_by_units()[512] < 0.65 * whole.seconds_by_units()[512]


def test_the_mean_of_the_best_size_is_the_peak_of_the_study() -> None:
    spec = size_spec(A100.sizes[2], 1000)
    assert spec.quality == pytest.approx(0.692)
    assert spec.decode is not None
    assert spec.decode.max_context == 1000


def test_a_task_without_a_published_accuracy_is_refused() -> None:
    with pytest.raises(StudyError, match=r"^quality of 'opt-1.3b' on 'copa' is not in the table"):
        qualities("opt-1.3b", ("piqa", "copa"))
