"""ConfigMaps that services name."""

from __future__ import annotations

from typing import Any, cast

import pytest

from besteffort_operator.cluster import Cluster
from besteffort_operator.references import References, read_profiles
from besteffort_operator.work import Key
from besteffort_resource.document import service_from_mapping
from besteffort_resource.errors import ResourceError
from support.in_memory_cluster import InMemoryCluster
from support.operator_process import resource

KEY = Key("models", "assistant")
PROFILE = {"profile": {"configMapRef": {"name": "measured", "key": "p"}}}


def service(**spec: Any) -> Any:
    return service_from_mapping(resource("assistant", "models", **spec))


def config_map(data: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "measured", "namespace": "models"},
        "data": data,
    }


def test_who_names_a_profile_is_known_until_it_is_gone() -> None:
    references, other = References(), Key("models", "other")
    references.note(KEY, service(**PROFILE))
    references.note(other, service(**PROFILE))
    assert references.profiles() == {("models", "measured"): [KEY, other]}
    references.note(KEY, service())
    assert references.profiles() == {("models", "measured"): [other]}
    references.forget(other)
    assert references.profiles() == {}


async def test_without_a_profile_nothing_is_read() -> None:
    assert await read_profiles(cast("Cluster", None), "models", service()) == {}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (None, "spec.profile.configMapRef.name: there is no ConfigMap measured; create it"),
        ({"other": ""}, "spec.profile.configMapRef.key: ConfigMap measured has no p; put the profile"),
        ({"p": "sizes: 3"}, "spec.profile.configMapRef: sizes"),
    ],
)
async def test_a_profile_that_is_missing_or_wrong_is_named(data: dict[str, str] | None, sentence: str) -> None:
    cluster = InMemoryCluster(*([config_map(data)] if data else []))
    with pytest.raises(ResourceError) as refused:
        await read_profiles(cast("Cluster", cluster), "models", service(**PROFILE))
    assert refused.value.sentences[0].startswith(sentence)


async def test_a_profile_is_read() -> None:
    cluster = InMemoryCluster(config_map({"p": "sizes: {small: {quality: {default: '0.5'}}}"}))
    found = await read_profiles(cast("Cluster", cluster), "models", service(**PROFILE))
    assert found["small"].quality
    assert found["small"].quality.default == "0.5"
