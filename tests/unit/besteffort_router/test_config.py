"""A configuration is taken whole or refused in one sentence that names the field."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from besteffort_core.bundle import bundle_to_bytes
from besteffort_core.policy import Kind
from besteffort_router.config import load_settings, read_bounded
from besteffort_router.errors import ConfigError
from support.bundles import random_bundle, random_dqn, random_scorer
from support.pools import TASKS
from support.router import config, settings

if TYPE_CHECKING:
    from pathlib import Path

    from besteffort_core.bundle import Bundle
    from besteffort_core.dqn import Network
    from besteffort_core.scorer import Scorer
    from besteffort_router.config import Settings

DELETE = object()


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good configuration with one thing changed: path is like sizes.0.quality."""
    found = config()
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = found
    for step in way:
        place = place[step]
    if value is DELETE:
        del place[last]
    else:
        place[last] = value
    return found


def test_a_good_configuration_becomes_a_pool_and_a_policy() -> None:
    found = settings()
    assert found.sizes == ("small", "medium", "large")
    assert (found.backends[0].replica.name, found.backends[0].model) == ("small-0", "model_small")
    assert found.pool.quality.shape == (3, 3)
    assert found.policy.kind is Kind.GREEDY
    assert (found.max_requests, found.max_bytes) == (64, 8 * 1024 * 1024)


def test_limits_and_grace_that_are_left_out_have_defaults() -> None:
    found = settings(limits={}, deadline={"defaultS": 1, "maxS": 2})
    assert (found.max_requests, found.max_bytes, found.pool.grace_factor) == (512, 64 * 1024 * 1024, 1.0)


def test_one_server_can_serve_all_sizes() -> None:
    found = settings(
        backends=[{"name": "r0", "address": "h:1", "sizes": ["small", "large"], "metricsUrl": "http://h:8002/metrics"}]
    )
    assert [(backend.size_name, backend.replica.name) for backend in found.backends] == [
        ("small", "r0"),
        ("large", "r0"),
    ]
    assert list(found.pool.device_of) == [0, 0]


def test_a_service_without_backends_is_allowed_since_they_may_come() -> None:
    assert settings(backends=[]).backends == ()


BAD = [
    ("modelName", "", "model_name: ''"),
    ("modelName", "has space", "model_name: 'has space'"),
    ("deadline", DELETE, "deadline.default_s: 0"),
    ("deadline.defaultS", -1, "deadline.default_s: -1"),
    ("deadline.defaultS", "Infinity", "deadline.default_s: inf"),
    ("deadline.maxS", "NaN", "deadline.max_s: nan"),
    ("deadline.defaultS", 11, "deadline.default_s: 11 is more than deadline.max_s 10"),
    ("deadline.graceFactor", 0.5, "deadline.grace_factor: 0.5"),
    ("tasks", ["a", "a"], "tasks: 'a' is there twice"),
    ("tasks", ["ü"], "tasks: 'ü'"),
    ("tasks", [f"t{i}" for i in range(65)], "tasks: more than 64"),
    ("sizes", [], "sizes: at least one"),
    ("sizes.1.name", "small", "sizes.name: 'small' is there twice"),
    ("sizes.0.name", "a\nb", "sizes.name: 'a\\\\nb'"),
    ("sizes.0.model", "", r"sizes\[small\].model: missing"),
    ("sizes.0.quality", 1.5, r"sizes\[small\].quality: 1.5"),
    ("sizes.0.quality", "NaN", r"sizes\[small\].quality: nan"),
    ("sizes.0.qualityByTask", {"poetry": 0.5}, r"sizes\[small\].quality_by_task: 'poetry'"),
    ("sizes.0.qualityByTask", {"arithmetic": -1}, r"sizes\[small\].quality_by_task\[arithmetic\]: -1"),
    ("sizes.0.latency", [], r"sizes\[small\].latency: .*at least one"),
    ("sizes.2.latency", [{"batch": 1, "seconds": 0}], r"sizes\[large\].latency: .*positive"),
    ("sizes.2.latency", [{"batch": 0, "seconds": 1}], r"sizes\[large\].latency"),
    ("backends.0.name", "", "backends.name: ''"),
    ("backends.1.name", "small-0", "backends.name: 'small-0' is there twice"),
    ("backends.0.address", "nowhere", r"backends\[small-0\].address: 'nowhere' is not host:port"),
    ("backends.0.address", "host:70000", r"backends\[small-0\].address: 'host:70000'"),
    ("backends.0.metricsUrl", "http://h:99999/metrics", r"backends\[small-0\].metrics_url"),
    ("backends.0.metricsUrl", "file:///etc/passwd", r"backends\[small-0\].metrics_url"),
    ("backends.0.sizes", ["huge"], r"backends\[small-0\].sizes: 'huge' is not one of small, medium, large"),
    ("backends.0.sizes", ["small", "small"], r"backends\[small-0\].sizes: 'small' is there twice"),
    ("policy.kind", 99, "policy.kind: 99"),
    ("policy.fallback", "LEARNED", "policy.fallback: Learned may lack its bundle"),
    ("policy.fallback", "DQN", "policy.fallback: DQN may lack its bundle"),
    ("policy.kind", "STATIC", "policy.static_size: '' is not one of"),
    ("limits.maxRequests", -1, "limits.max_requests: -1"),
    ("limits.maxBytes", "-1", "limits.max_bytes: -1"),
    ("sizes", 3, "not the JSON of a RouterConfig"),
]


@pytest.mark.parametrize(("path", "value", "text"), BAD, ids=[f"{path}={str(value)[:12]}" for path, value, _ in BAD])
def test_a_bad_field_is_named(tmp_path: Path, path: str, value: object, text: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(changed(path, value)))
    with pytest.raises(ConfigError, match=text) as caught:
        load_settings(file)
    assert "\n" not in str(caught.value)


def test_what_a_newer_operator_adds_is_passed_over(tmp_path: Path) -> None:
    content = config() | {"novelty": {"a": [1]}}
    content["sizes"][0]["novelty"] = 3
    file = tmp_path / "config.json"
    file.write_text(json.dumps(content))
    assert load_settings(file).sizes == settings().sizes


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"nonsense" * 100])
def test_a_file_that_is_no_router_config_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="not the JSON of a RouterConfig"):
        load_settings(file)


def test_what_is_no_small_regular_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "big").write_bytes(b"x" * 11)
    for name, text in [
        ("pipe", "not a regular file"),
        ("big", "larger than 10"),
        ("none", "No such file"),
        (".", "Is a directory"),
    ]:
        with pytest.raises(ConfigError, match=text):
            read_bounded(tmp_path / name, 10, "config")
    with pytest.raises(ConfigError, match="not a regular file"):
        read_bounded(tmp_path / "/dev/zero", 10, "config")


def learned(tmp_path: Path, **changes: Any) -> Path:
    policy = {"kind": "LEARNED", "fallback": "LADDER", "bundlePath": "policy.safetensors"} | changes
    sizes = [size | {"qualityByTask": {}} for size in config()["sizes"]]
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config(policy=policy, tasks=list(TASKS), sizes=sizes)))
    return file


def test_a_bundle_beside_the_configuration_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "policy.safetensors").write_bytes(bundle_to_bytes(random_bundle()))
    found = load_settings(learned(tmp_path))
    assert found.policy.network is not None
    assert found.bundle_error == ""
    assert len(found.policy.digest) == 64
    assert len(found.digest) == 12


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "cannot be read"),
        (b"", "not a whole safetensors file"),
        (b"x" * (17 * 1024 * 1024), "larger than"),
        (bundle_to_bytes(random_bundle())[:-1], "not a whole safetensors file"),
    ],
)
def test_a_bad_bundle_leaves_the_fallback_in_charge(tmp_path: Path, content: bytes | None, text: str) -> None:
    if content is not None:
        (tmp_path / "policy.safetensors").write_bytes(content)
    found = load_settings(learned(tmp_path))
    assert text in found.bundle_error
    assert (found.policy.kind, found.policy.network, found.policy.rule.kind) == (Kind.LEARNED, None, Kind.LADDER)


def for_two_sizes(tmp_path: Path, bundle: Bundle, kind: str) -> Settings:
    (tmp_path / "policy.safetensors").write_bytes(bundle_to_bytes(bundle))
    content = json.loads(learned(tmp_path, kind=kind).read_text())
    content["sizes"], content["backends"] = content["sizes"][:2], content["backends"][:2]
    (tmp_path / "config.json").write_text(json.dumps(content))
    return load_settings(tmp_path / "config.json")


def test_a_dqn_trained_for_other_sizes_is_refused_and_a_scorer_serves_any(tmp_path: Path) -> None:
    dqn = for_two_sizes(tmp_path, random_bundle(network=random_dqn()), "DQN")
    assert "trained for sizes small, medium, large" in dqn.bundle_error
    assert (dqn.policy.network, dqn.policy.digest) == (None, "")
    scorer = for_two_sizes(tmp_path, random_bundle(), "LEARNED")
    assert scorer.bundle_error == ""
    assert scorer.policy.network is not None


@pytest.mark.parametrize(("kind", "network"), [("LEARNED", random_dqn()), ("DQN", random_scorer())])
def test_the_network_of_another_kind_is_refused(tmp_path: Path, kind: str, network: Scorer | Network) -> None:
    (tmp_path / "policy.safetensors").write_bytes(bundle_to_bytes(random_bundle(network=network)))
    found = load_settings(learned(tmp_path, kind=kind))
    assert f"but policy.kind is {found.policy.kind}" in found.bundle_error
    assert found.policy.network is None


@pytest.mark.parametrize("network", [random_scorer(), random_dqn()])
def test_a_heuristic_takes_its_numbers_from_a_bundle_of_either_kind(tmp_path: Path, network: Scorer | Network) -> None:
    bundle = random_bundle(network=network)
    (tmp_path / "policy.safetensors").write_bytes(bundle_to_bytes(bundle))
    found = load_settings(learned(tmp_path, kind="PRICE", fallback="PRICE"))
    assert found.bundle_error == ""
    assert list(found.policy.rule.parameters) == list(bundle.price)
    assert (found.policy.network, len(found.policy.digest)) == (None, 64)
