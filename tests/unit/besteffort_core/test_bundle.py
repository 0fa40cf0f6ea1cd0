from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

from besteffort_core import bundle as module
from besteffort_core.bundle import Bundle, bundle_to_bytes, parse_bundle, require_layout
from besteffort_core.errors import BundleError
from support.bundles import random_bundle
from support.pools import SIZES, TASKS


def with_tensor(name: str, value: np.ndarray | None) -> bytes:
    data = bundle_to_bytes(random_bundle())
    tensors = load(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    if value is None:
        del tensors[name]
    else:
        tensors[name] = value
    return bytes(save(tensors, metadata=header))


def test_a_bundle_comes_back_as_it_went_with_its_digest() -> None:
    bundle = random_bundle()
    data = bundle_to_bytes(bundle)
    back = parse_bundle(data)
    assert back.digest == hashlib.sha256(data).hexdigest()
    assert (back.tasks, back.sizes, back.trained) == (TASKS, SIZES, {"seed": 0})
    for name, value in bundle.network._asdict().items():
        np.testing.assert_array_equal(getattr(back.network, name), value)
    np.testing.assert_array_equal(back.price, bundle.price)
    assert bundle_to_bytes(back) == data


def test_equal_bundles_give_equal_bytes() -> None:
    assert bundle_to_bytes(random_bundle(3)) == bundle_to_bytes(random_bundle(3))
    assert bundle_to_bytes(random_bundle(3)) != bundle_to_bytes(random_bundle(4))


@pytest.mark.parametrize("keep", [0, 4, 8, 100, -1])
def test_a_truncated_file_is_refused(keep: int) -> None:
    with pytest.raises(BundleError, match="not a whole safetensors file"):
        parse_bundle(bundle_to_bytes(random_bundle())[:keep])


def test_a_pickle_in_disguise_is_refused_and_never_run() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (exec, ("raise SystemExit('ran')",))

    with pytest.raises(BundleError, match="not a whole safetensors file"):
        parse_bundle(pickle.dumps(Bomb()))


def test_safetensors_of_something_else_are_refused() -> None:
    with pytest.raises(BundleError, match="no header of format"):
        parse_bundle(bytes(save({"w1": np.zeros(3)})))
    with pytest.raises(BundleError, match="no header of format"):
        parse_bundle(bytes(save({"w1": np.zeros(3)}, metadata={"besteffort": "not json"})))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("w2", None, "w2 is missing"),
        ("price", np.array([1.0]), r"price has shape \(1,\)"),
        ("w1", np.zeros((2, 16), np.float32), "w1 has shape"),
        ("b3", np.array([0, np.nan, 0], np.float32), "b3 holds NaN"),
        ("ladder", np.array([np.inf, 1.0]), "ladder holds NaN or infinity"),
        ("b1", np.zeros(16), "b1 is float64"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(name: str, value: np.ndarray | None, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        parse_bundle(with_tensor(name, value))


def test_a_huge_file_is_refused_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    with pytest.raises(BundleError, match="more than the 100 allowed"):
        parse_bundle(bundle_to_bytes(random_bundle()))


def test_another_observation_layout_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bundle_to_bytes(random_bundle())
    monkeypatch.setattr("besteffort_core.observation.VERSION", 2)
    with pytest.raises(BundleError, match="another observation layout"):
        parse_bundle(data)


@pytest.mark.parametrize(
    ("bundle", "word"),
    [
        (replace(random_bundle(), sizes=("small", "large", "medium")), "sizes"),
        (replace(random_bundle(), tasks=("addition",)), "tasks"),
    ],
)
def test_a_bundle_for_another_service_is_refused(bundle: Bundle, word: str) -> None:
    require_layout(random_bundle(), TASKS, SIZES)
    with pytest.raises(BundleError, match=f"trained for {word}"):
        require_layout(bundle, TASKS, SIZES)
