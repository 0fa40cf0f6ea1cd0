from __future__ import annotations

from typing import Any

import pytest

from besteffort_resource.cluster_rules import cluster_faults
from besteffort_resource.rules import broken_rules
from besteffort_resource.service import Spec


def spec(uri: str, **fields: Any) -> Spec:
    return Spec.model_validate({"sizes": [{"name": "a", "model": {"repository": {"uri": uri, "name": "m"}}}], **fields})


@pytest.mark.parametrize("uri", ["models", "./models", "../s3", "my models"])
def test_a_folder_beside_the_file_is_for_one_machine_only(uri: str) -> None:
    found = spec(uri)
    assert broken_rules(found) == []
    (sentence,) = cluster_faults(found)
    assert sentence.startswith(f"spec.sizes[0].model.repository.uri: {uri} is a folder beside the file; on a cluster")


@pytest.mark.parametrize(
    "uri", ["s3://b/m", "gs://b", "as://a/c", "file:///models", "/models", "pvc://c/m", "oci://i:1"]
)
def test_what_a_node_can_read_is_accepted(uri: str) -> None:
    assert cluster_faults(spec(uri)) == []


def test_a_file_with_a_policy_is_for_one_machine_only() -> None:
    policy = {"bundle": {"path": "p"}, "canary": {"bundle": {"path": "q"}}}
    found = spec("s3://b/m", policy=policy, router={"replicas": 2})
    assert broken_rules(found) == []
    assert [sentence.partition(":")[0] for sentence in cluster_faults(found)] == [
        "spec.policy.bundle.path",
        "spec.policy.canary.bundle.path",
    ]


def test_a_size_from_the_hub_and_a_bundle_in_a_config_map_run_on_a_cluster() -> None:
    sizes = [{"name": "a", "model": {"huggingFace": {"id": "facebook/opt-125m", "revision": "main"}}}]
    policy = {"bundle": {"configMapRef": {"name": "policy", "key": "policy.safetensors"}}}
    assert cluster_faults(Spec.model_validate({"sizes": sizes, "policy": policy})) == []
