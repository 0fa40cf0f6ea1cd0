from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format

from besteffort.v1 import config_pb2
from besteffort_resource.document import service_from_mapping
from besteffort_resource.errors import ResourceError
from besteffort_resource.profile import Profile, measured_profile
from besteffort_resource.router_config import KINDS, MODES, BackendAddress, router_config
from besteffort_resource.service import BestEffortService, PolicyKind, PolicyMode

MEASURED = measured_profile(0.4, {"sorting": 0.9, "reversal": 0.8, "weaving": 0.1}, seconds_by_batch={1: 0.01, 8: 0.03})
BACKEND = BackendAddress("replica-0", "127.0.0.1:8001", "http://127.0.0.1:8002/metrics", ("small",), "cpu0")


def service(size: dict[str, Any] | None = None, **spec: Any) -> BestEffortService:
    sizes = [{"name": "small", "model": {"repository": {"uri": "models", "name": "opt_125m"}}, **(size or {})}]
    return service_from_mapping(
        {
            "apiVersion": "serving.besteffort.dev/v1alpha1",
            "kind": "BestEffortService",
            "metadata": {"name": "assistant"},
            "spec": {"tasks": ["sorting", "reversal"], "sizes": sizes, **spec},
        }
    )


def config(of: BestEffortService, profile: Profile = MEASURED, bundle_path: str = "") -> Any:
    return router_config(of, [BACKEND], bundle_path=bundle_path, profiles={"small": profile})


def test_a_profile_fills_what_the_resource_leaves_out() -> None:
    (size,) = config(service()).sizes
    assert (size.model, size.quality) == ("opt_125m", 0.4)
    assert [(point.batch, point.seconds) for point in size.latency] == [(1, 0.01), (8, 0.03)]


def test_a_profile_says_nothing_about_tasks_that_the_resource_does_not_list() -> None:
    assert dict(config(service()).sizes[0].quality_by_task) == {"sorting": 0.9, "reversal": 0.8}


def test_what_the_resource_says_wins_task_by_task() -> None:
    (size,) = config(service({"quality": {"default": "0.5", "byTask": {"sorting": "0.25"}}})).sizes
    assert size.quality == 0.5
    assert dict(size.quality_by_task) == {"sorting": 0.25, "reversal": 0.8}


def test_latency_of_the_resource_replaces_that_of_the_profile_as_a_whole() -> None:
    (size,) = config(service({"latency": [{"batch": 4, "seconds": "0.5"}]})).sizes
    assert [(point.batch, point.seconds) for point in size.latency] == [(4, 0.5)]


@pytest.mark.parametrize(
    ("size", "profile", "field"),
    [
        ({}, Profile(latency=MEASURED.latency), "quality"),
        ({}, Profile(quality=MEASURED.quality), "latency"),
        ({"quality": {"default": "0.5"}}, Profile(), "latency"),
    ],
)
def test_what_nobody_measured_is_named_with_the_command_that_measures_it(
    size: dict[str, Any], profile: Profile, field: str
) -> None:
    with pytest.raises(ResourceError) as caught:
        config(service(size), profile)
    (sentence,) = caught.value.sentences
    assert sentence.startswith(f"spec.sizes[0].{field}: neither the resource nor a profile has it for small; ")
    assert "run `besteffort calibrate`" in sentence


def test_a_size_without_any_profile_lacks_both() -> None:
    with pytest.raises(ResourceError) as caught:
        router_config(service(), [BACKEND], profiles={})
    assert len(caught.value.sentences) == 2


def test_grace_counts_in_mode_soft_only() -> None:
    for mode, factor in (("Hard", 1.0), ("Soft", 3.0)):
        assert config(service(deadline={"mode": mode, "graceFactor": "3"})).deadline.grace_factor == factor


def test_the_path_of_the_bundle_is_given_whatever_the_kind_since_it_tunes_heuristics_too() -> None:
    bundle = {"path": "policy.safetensors"}
    for kind in ("Learned", "DQN", "Price"):
        found = config(service(policy={"kind": kind, "bundle": bundle}), bundle_path="/policy")
        assert found.policy.bundle_path == "/policy"


def test_servers_are_passed_on_as_they_are() -> None:
    assert config(service()).backends[0] == config_pb2.Backend(
        name="replica-0",
        address="127.0.0.1:8001",
        metrics_url="http://127.0.0.1:8002/metrics",
        sizes=["small"],
        device="cpu0",
    )


def test_every_kind_and_mode_has_its_own_number_that_is_not_unspecified() -> None:
    assert set(KINDS) == set(PolicyKind)
    assert set(MODES) == set(PolicyMode)
    assert sorted(KINDS.values()) == [number for number in config_pb2.Policy.Kind.values() if number]
    assert sorted(MODES.values()) == [number for number in config_pb2.Policy.Mode.values() if number]


@pytest.mark.parametrize("kind", PolicyKind)
def test_a_kind_keeps_its_name_on_the_wire(kind: PolicyKind) -> None:
    assert config_pb2.Policy.Kind.Name(KINDS[kind]).replace("_", "").lower() == kind.value.lower()


def test_the_same_input_gives_the_same_bytes() -> None:
    first, second = (json_format.MessageToJson(config(service())) for _ in range(2))
    assert first == second
