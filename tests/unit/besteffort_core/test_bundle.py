from __future__ import annotations

import hashlib
import json
import pickle

import numpy as np
import pytest
from safetensors.numpy import load, save

from besteffort_core import bundle as module
from besteffort_core.bundle import Bundle, bundle_to_bytes, parse_bundle, require_kind, require_layout
from besteffort_core.errors import BundleError
from besteffort_core.policy import Kind
from support.bundles import random_bundle, random_dqn
from support.pools import SIZES, TASKS


def with_tensor(name: str, value: np.ndarray | None, bundle: Bundle) -> bytes:
    data = bundle_to_bytes(bundle)
    tensors = load(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    if value is None:
        del tensors[name]
    else:
        tensors[name] = value
    return bytes(save(tensors, metadata=header))


@pytest.mark.parametrize(
    ("bundle", "kind"), [(random_bundle(), "Learned"), (random_bundle(network=random_dqn()), "DQN")]
)
def test_a_bundle_comes_back_as_it_went_with_its_digest(bundle: Bundle, kind: str) -> None:
    data = bundle_to_bytes(bundle)
    back = parse_bundle(data)
    assert back.digest == hashlib.sha256(data).hexdigest()
    assert (back.kind, back.tasks, back.sizes, back.trained) == (kind, TASKS, SIZES, {"seed": 0})
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
        ("inner", None, "inner is missing"),
        ("price", np.array([1.0]), r"price has shape \(1,\)"),
        ("linear", np.zeros((19, 3)), "linear has shape"),
        ("outer", np.zeros((5, 2)), "outer has shape"),
        ("bias", np.array([0, np.nan]), "bias holds NaN"),
        ("ladder", np.array([np.inf, 1.0]), "ladder holds NaN or infinity"),
        ("low", np.zeros(19, np.float32), "low is float32"),
    ],
)
def test_a_tensor_of_a_scorer_that_does_not_fit_is_named(name: str, value: np.ndarray | None, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        parse_bundle(with_tensor(name, value, random_bundle()))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("w2", None, "w2 is missing"),
        ("w1", np.zeros((2, 16), np.float32), "w1 has shape"),
        ("b3", np.array([0, np.nan, 0], np.float32), "b3 holds NaN"),
        ("b1", np.zeros(16), "b1 is float64"),
    ],
)
def test_a_tensor_of_a_q_network_that_does_not_fit_is_named(name: str, value: np.ndarray | None, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        parse_bundle(with_tensor(name, value, random_bundle(network=random_dqn())))


def test_a_huge_file_is_refused_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    with pytest.raises(BundleError, match="more than the 100 allowed"):
        parse_bundle(bundle_to_bytes(random_bundle()))


@pytest.mark.parametrize(
    ("bundle", "layout"),
    [
        (random_bundle(), "besteffort_core.scorer.FEATURES"),
        (random_bundle(network=random_dqn()), "besteffort_core.dqn.LAYOUT"),
    ],
)
def test_another_layout_of_what_it_sees_is_refused(
    bundle: Bundle, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bundle_to_bytes(bundle)
    monkeypatch.setattr(layout, ("something else",))
    with pytest.raises(BundleError, match="another layout"):
        parse_bundle(data)


def test_a_kind_without_a_network_is_refused() -> None:
    data = bundle_to_bytes(random_bundle())
    with pytest.raises(BundleError, match="kind 'Greedie' is not one of Learned, DQN"):
        parse_bundle(data.replace(b"Learned", b"Greedie"))


def test_a_scorer_fits_any_service_and_a_q_network_only_its_own() -> None:
    require_layout(random_bundle(), ("addition",), ("tiny", "huge"))
    dqn = random_bundle(network=random_dqn())
    require_layout(dqn, TASKS, SIZES)
    with pytest.raises(BundleError, match="trained for sizes"):
        require_layout(dqn, TASKS, ("small", "large", "medium"))
    with pytest.raises(BundleError, match="trained for tasks"):
        require_layout(dqn, ("addition",), SIZES)


def test_a_network_is_for_its_kind_only_and_heuristics_take_the_numbers_of_any_bundle() -> None:
    scorer, dqn = random_bundle(), random_bundle(network=random_dqn())
    for bundle, kind in ((scorer, Kind.LEARNED), (dqn, Kind.DQN), (scorer, Kind.PRICE), (dqn, Kind.LADDER)):
        require_kind(bundle, kind)
    with pytest.raises(BundleError, match=r"it is for kind Learned, but policy\.kind is DQN"):
        require_kind(scorer, Kind.DQN)
    with pytest.raises(BundleError, match=r"it is for kind DQN, but policy\.kind is Learned"):
        require_kind(dqn, Kind.LEARNED)


def test_a_header_nested_too_deeply_is_no_header() -> None:
    data = bundle_to_bytes(random_bundle())
    deep = save(load(data), metadata={"besteffort": "[" * 200_000})
    with pytest.raises(BundleError, match="no header of format"):
        parse_bundle(bytes(deep))
