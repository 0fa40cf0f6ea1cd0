from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from besteffort_resource.document import load_service, service_from_mapping, service_from_yaml
from besteffort_resource.errors import ResourceError
from besteffort_resource.service import DeadlineMode, PlacementMode, PolicyKind, PolicyMode, RouterMode

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests/golden/resource/input"
FRAGMENTS = (
    "",
    "\n",
    "  ",
    "- ",
    ": ",
    "{",
    "]",
    "&a ",
    "*a",
    "!!map ",
    "!!int ",
    "? ",
    "|",
    '"',
    "'",
    "#",
    "1",
    ".nan",
    "\t",
    "\x07",
    "~",
)


def resource(**spec: Any) -> dict[str, Any]:
    size = {"name": "small", "model": {"repository": {"uri": "models", "name": "opt_125m"}}}
    return {
        "apiVersion": "serving.besteffort.dev/v1alpha1",
        "kind": "BestEffortService",
        "metadata": {"name": "assistant"},
        "spec": {"sizes": [size], **spec},
    }


def test_what_is_left_out_has_the_documented_default() -> None:
    service = service_from_mapping(resource())
    spec = service.spec
    assert service.model_name == "assistant"
    assert (spec.deadline.default_s, spec.deadline.max_s, spec.deadline.mode) == (0.3, 10.0, DeadlineMode.HARD)
    assert (spec.placement.mode, service.replicas_of(spec.sizes[0])) == (PlacementMode.COLOCATED, 1)
    assert (spec.policy.kind, spec.policy.fallback) == (PolicyKind.LEARNED, PolicyKind.PRICE)
    assert spec.policy.mode is PolicyMode.ENFORCE
    assert (spec.router.mode, spec.router.queue.max_requests) == (RouterMode.GATEWAY, 512)
    assert spec.router.queue.byte_count == 64 << 20


def test_the_model_name_may_differ_from_the_name_of_the_service() -> None:
    assert service_from_mapping(resource(modelName="llama_3")).model_name == "llama_3"


def test_a_hub_model_goes_by_the_name_of_its_size_inside_triton() -> None:
    sizes = [{"name": "large", "model": {"huggingFace": {"id": "facebook/opt-1.3b", "revision": "main"}}}]
    assert service_from_mapping(resource(sizes=sizes)).spec.sizes[0].triton_model == "large"


def test_replicas_come_from_the_size_when_dedicated_and_from_the_placement_when_colocated() -> None:
    dedicated = resource(placement={"mode": "Dedicated"})
    dedicated["spec"]["sizes"][0]["replicas"] = 3
    for found, replicas in ((dedicated, 3), (resource(placement={"replicas": 4}), 4)):
        service = service_from_mapping(found)
        assert service.replicas_of(service.spec.sizes[0]) == replicas


def test_what_kubernetes_adds_to_the_metadata_is_no_fault() -> None:
    found = resource()
    found["metadata"] |= {"uid": "0-1", "resourceVersion": "7", "managedFields": [{}], "labels": {"a": "b"}}
    assert service_from_mapping(found) == service_from_mapping(resource())


def test_a_service_cannot_be_changed() -> None:
    service = service_from_mapping(resource())
    with pytest.raises(ValidationError):
        service.spec.deadline.max = "1s"


def test_all_faults_of_one_kind_are_told_at_once() -> None:
    with pytest.raises(ResourceError) as caught:
        service_from_mapping(resource(modelName="a b", tasks=["B"], deadline={"max": "1"}))
    paths = [sentence.partition(":")[0] for sentence in caught.value.sentences]
    assert paths == ["spec.modelName", "spec.deadline.max", "spec.tasks[0]"]
    assert str(caught.value) == "\n".join(caught.value.sentences)


def test_more_faults_than_anyone_reads_are_counted() -> None:
    with pytest.raises(ResourceError) as caught:
        service_from_mapping(resource(**{f"nonsense{i}": i for i in range(30)}))
    assert len(caught.value.sentences) == 21
    assert caught.value.sentences[-1] == "and 10 more; mend these first"


def test_another_kind_of_object_is_refused_by_its_kind_alone() -> None:
    with pytest.raises(ResourceError) as caught:
        service_from_mapping({**resource(), "kind": "Pod", "spec": {"containers": []}})
    assert caught.value.sentences == ('kind: "Pod" is not allowed; write BestEffortService',)


def test_a_service_reads_back_from_its_own_yaml() -> None:
    service = load_service(ROOT / "examples/demo/service.yaml")
    text = yaml.safe_dump(service.model_dump(mode="json", by_alias=True, exclude_none=True))
    assert service_from_yaml(text) == service


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_resource_is_accepted_or_refused_but_never_breaks_the_reader(seed: int) -> None:
    rng = random.Random(seed)
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(GOLDEN.glob("*.yaml"))]
    for _ in range(25):
        damaged = list(rng.choice(texts))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(damaged) + 1)
            damaged[at : at + rng.randint(0, 3)] = rng.choice(FRAGMENTS)
        with contextlib.suppress(ResourceError):
            service_from_yaml("".join(damaged))
