"""A real API server takes the committed definition, and refuses what breaks a rule with the sentence of the checks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from besteffort_resource.document import block_from_mapping, service_from_mapping
from besteffort_resource.errors import ResourceError
from besteffort_resource.rules import broken_rules
from besteffort_resource.service import BestEffortService
from besteffort_resource.validations import VALIDATIONS
from cluster.access import Cluster
from cluster.errors import CommandError
from support.crd import (
    COMMITTED,
    Services,
    at,
    bad_forms,
    broken,
    forms_of,
    install,
    installed,
    kept,
    proven,
    rule_of,
    schema_of,
    with_value,
)
from support.crd_cases import CASES, FULL, Case, resource

pytestmark = pytest.mark.cluster

GOLDEN = Path(__file__).parents[2] / "golden" / "resource" / "input"
BAD = sorted(GOLDEN.glob("bad-*.yaml"))
TAKEN_ON_A_CLUSTER = {
    "bad-duplicate-key": "kubectl keeps the last of two keys before the API server sees any",
    "bad-nothing-measured": "the profile of spec.profile may bring it; the operator says NotCalibrated if it does not",
    "bad-two-documents": "kubectl takes several documents, each as a resource",
}
TRICKY = ("", "1s\n", "\uff11s", "a b", "pvc://a/b", "\u00e9" * 16)
"""Texts on which two engines of regular expressions, or two ways to count characters, might differ."""
FORM_FAULT = re.compile("is not .*; write it like|Too long")
STATUS = {
    "observedGeneration": 1,
    "url": "assistant.default.svc:8001",
    "sizesReady": "1/1",
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Available",
            "message": "all is well",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-11-21T12:00:00Z",
        }
    ],
    "sizes": [{"name": "small", "ready": 1, "wanted": 1, "message": ""}],
    "policy": {"kind": "Price", "mode": "Enforce", "digest": "", "loadedAt": "2026-11-21T12:00:00Z", "routers": "1/1"},
    "scaling": [{"deployment": "assistant-triton", "replicas": 1, "wanted": 2, "reason": "backlog is above 150ms"}],
}


@pytest.fixture(scope="module")
def served(api_server: Cluster) -> Iterator[Cluster]:
    with installed(api_server):
        yield api_server


@pytest.fixture(scope="module")
def checked(served: Cluster) -> Services:
    """For resources that are refused, or taken on trial."""
    return Services(served, "default")


@pytest.fixture
def services(served: Cluster, namespace: str) -> Services:
    return Services(served, namespace)


def changed(case: Case) -> str:
    return json.dumps(case.refused or case.before or case.names)[:70]


@pytest.mark.parametrize("case", CASES, ids=changed)
def test_what_breaks_one_rule_is_refused_by_that_rule_alone(checked: Services, case: Case) -> None:
    causes = broken(checked, case)
    assert len(causes) == 1, causes
    assert rule_of(causes[0]), causes


@pytest.mark.parametrize("case", CASES, ids=changed)
def test_what_comes_close_to_a_fault_is_taken(checked: Services, case: Case) -> None:
    assert kept(checked, case) == []


def test_every_rule_refuses_a_case_of_its_own(checked: Services) -> None:
    found = proven(checked)
    assert [rule for rule in VALIDATIONS if rule not in found] == []


@pytest.mark.parametrize("case", [case for case in CASES if case.before is None], ids=changed)
def test_the_api_server_says_what_the_checks_say(checked: Services, case: Case) -> None:
    try:
        service = service_from_mapping(resource(case.refused))
    except ResourceError as error:
        ((path, _, sentence),) = [sentence.partition(": ") for sentence in error.sentences]
        ((field, message),) = [(cause.field, cause.message) for cause in broken(checked, case)]
        assert any(part in message for part in sentence.split("; "))
        assert path.startswith(field)
    else:
        cause = rule_of(broken(checked, case)[0])
        assert cause
        assert cause.name in {
            "files_are_not_on_a_cluster",
            "folders_are_not_on_a_cluster",
            "name_leaves_room",
            "name_is_a_label",
        }
        assert broken_rules(service.spec) == []


def test_every_form_refuses_what_has_it_not_and_takes_what_has(checked: Services) -> None:
    assert len(list(forms_of(schema_of()))) > 60
    assert bad_forms(checked, schema_of()) == {}


@pytest.mark.parametrize("text", TRICKY, ids=repr)
def test_a_form_is_the_same_to_the_api_server_and_to_the_checks(checked: Services, text: str) -> None:
    for path in dict.fromkeys(path for path, _ in forms_of(schema_of())):
        given = resource(with_value(FULL, path, text))
        refused = any(at(cause, path) for cause in checked.faults(given) if FORM_FAULT.search(cause.message))
        assert refused is (not well_formed(given)), path


def well_formed(given: dict[str, Any]) -> bool:
    try:
        block_from_mapping(BestEffortService, given)
    except ResourceError:
        return False
    return True


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_what_besteffort_validate_refuses_the_api_server_refuses_too(served: Cluster, path: Path) -> None:
    text = path.read_text(encoding="utf-8", errors="replace").replace("uri: models", "uri: /models")
    refused = nullcontext() if path.stem in TAKEN_ON_A_CLUSTER else pytest.raises(CommandError)
    with refused:
        served.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", input=text)


def test_what_is_left_out_is_filled_in_as_the_models_do(services: Services) -> None:
    made = services.create(resource({}))
    model = service_from_mapping(resource({})).model_dump(mode="json", by_alias=True)
    assert made["spec"] == without_gaps(model["spec"])


def without_gaps(value: Any) -> Any:
    """Drop what is nothing or empty: it says the same as if it were not there."""
    if isinstance(value, list):
        return [without_gaps(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    filled = {name: without_gaps(field) for name, field in value.items()}
    return {name: field for name, field in filled.items() if field not in (None, [], {})}


@pytest.mark.parametrize("name", ["every-field-colocated", "dedicated-on-a-cluster", "sidecar-on-a-cluster"])
def test_a_resource_is_kept_whole_and_read_back(services: Services, name: str) -> None:
    given = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text(encoding="utf-8"))
    given["metadata"].pop("namespace", None)
    made = services.create(given)
    assert covers(made["spec"], given["spec"])
    assert service_from_mapping(made).spec == service_from_mapping(given).spec


def covers(found: Any, given: Any) -> bool:
    if isinstance(given, dict):
        return all(name in found and covers(found[name], value) for name, value in given.items())
    if isinstance(given, list):
        return len(found) == len(given) and all(map(covers, found, given))
    return bool(found == given)


def test_an_unknown_field_is_refused_under_strict_validation_and_dropped_otherwise(services: Services) -> None:
    unknown = resource({"deadlin": {"default": "1s"}, "triton": {"podTemplate": {"spec": {"hostIPC": True}}}})
    (cause,) = services.faults(unknown)
    assert 'unknown field "spec.deadlin"' in cause.message
    made = services.create(unknown, strict=False)
    assert "deadlin" not in made["spec"]
    assert made["spec"]["triton"]["podTemplate"] == {"spec": {"hostIPC": True}}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"tasks": ["a", "b", "a"]}, "spec.tasks[2]"),
        ({"sizes": resource({})["spec"]["sizes"] * 2}, "spec.sizes[1]"),
        (
            {"triton": {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}},
            "spec.triton.env[1]",
        ),
        (
            {"sizes": [{**resource({})["spec"]["sizes"][0], "latency": [{"batch": 1, "seconds": "0.1"}] * 2}]},
            "spec.sizes[0].latency[1]",
        ),
    ],
)
def test_what_may_be_there_once_is_refused_twice(checked: Services, spec: dict[str, Any], field: str) -> None:
    (cause,) = checked.faults(resource(spec))
    assert cause.field == field
    assert cause.message.startswith("Duplicate value")


def test_two_writers_each_keep_their_size(served: Cluster, namespace: str) -> None:
    for writer, name in (("one", "small"), ("two", "large")):
        size = {"name": name, "model": {"repository": {"uri": "s3://bucket/models", "name": name}}}
        text = json.dumps(resource({"sizes": [size]}))
        served.kubectl("apply", "--server-side", f"--field-manager={writer}", "-n", namespace, "-f", "-", input=text)
    found = served.get("bes", "assistant", "-n", namespace)
    assert [size["name"] for size in found["spec"]["sizes"]] == ["small", "large"]


def with_status(served: Cluster, namespace: str) -> dict[str, Any]:
    Services(served, namespace).create(resource({}))
    patch = json.dumps({"status": STATUS, "spec": {"deadline": {"default": "1s"}}})
    served.kubectl("patch", "bes", "assistant", "-n", namespace, "--subresource=status", "--type=merge", "-p", patch)
    return served.get("bes", "assistant", "-n", namespace)


def test_who_writes_the_status_writes_nothing_else(served: Cluster, namespace: str) -> None:
    found = with_status(served, namespace)
    assert found["status"] == STATUS
    assert found["spec"]["deadline"]["default"] == "300ms"
    assert found["metadata"]["generation"] == 1


def test_who_writes_the_spec_does_not_write_the_status(served: Cluster, namespace: str) -> None:
    found = with_status(served, namespace)
    found["spec"]["deadline"]["default"] = "1s"
    del found["status"]
    made = Services(served, namespace).replace("assistant", found)
    assert made["status"] == STATUS
    assert made["metadata"]["generation"] == 2


def test_a_status_of_another_shape_is_refused(served: Cluster, namespace: str) -> None:
    Services(served, namespace).create(resource({}))
    patch = json.dumps({"status": {"conditions": [{"type": "Ready", "status": "Yes"}]}})
    with pytest.raises(CommandError, match="Required value"):
        served.kubectl(
            "patch", "bes", "assistant", "-n", namespace, "--subresource=status", "--type=merge", "-p", patch
        )


def test_kubectl_shows_how_the_service_stands(served: Cluster, namespace: str) -> None:
    with_status(served, namespace)
    heads, cells = (line.split() for line in served.kubectl("get", "bes", "-n", namespace).splitlines())
    assert heads == ["NAME", "READY", "SIZES", "POLICY", "URL", "AGE"]
    assert cells[:-1] == ["assistant", "True", "1/1", "Price", "assistant.default.svc:8001"]
    wide = served.kubectl("get", "bes", "-n", namespace, "-o", "wide").splitlines()
    assert [line.split()[-1] for line in wide] == ["REASON", "Available"]


def test_kubectl_get_all_lists_the_service_and_wait_hears_that_it_is_ready(served: Cluster, namespace: str) -> None:
    with_status(served, namespace)
    assert "besteffortservice.serving.besteffort.dev/assistant" in served.kubectl("get", "all", "-n", namespace)
    served.kubectl("wait", "--for=condition=Ready", "bes/assistant", "-n", namespace, "--timeout=5s")


def test_kubectl_explains_every_level(served: Cluster) -> None:
    text = served.kubectl("explain", "bes", "--recursive=false")
    assert "Several sizes of a model behind one endpoint." in text
    assert "Engine arguments of vLLM" in served.kubectl("explain", "bes.spec.sizes.model.huggingFace")
    assert "Why, in a sentence." in served.kubectl("explain", "bes.status.conditions")


def test_the_committed_definition_is_applied_again_without_a_change(served: Cluster, services: Services) -> None:
    made = services.create(resource({}))
    generation = served.get("crd", "besteffortservices.serving.besteffort.dev")["metadata"]["generation"]
    install(served)
    assert served.get("crd", "besteffortservices.serving.besteffort.dev")["metadata"]["generation"] == generation
    found = served.get("bes", "assistant", "-n", made["metadata"]["namespace"])
    assert found["spec"] == made["spec"]
    assert found["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_a_stricter_definition_keeps_older_objects_and_lets_them_be_edited_elsewhere(
    served: Cluster, services: Services, tmp_path: Path
) -> None:
    looser = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
    drop_rules(looser)
    path = tmp_path / "looser.yaml"
    path.write_text(yaml.safe_dump(looser), encoding="utf-8")
    try:
        install(served, path)
        made = eventually_created(services, resource({"deadline": {"default": "90m", "max": "90m"}}))
    finally:
        install(served)
    wait_until_refused(services, resource({"deadline": {"default": "90m"}}, name="probe"))
    made["spec"]["tasks"] = ["addition"]
    made = services.replace("assistant", made)
    assert made["spec"]["deadline"]["default"] == "90m"
    made["spec"]["deadline"]["default"] = "91m"
    with pytest.raises(client.ApiException, match="91m is out of range"):
        services.replace("assistant", made)


def drop_rules(node: Any) -> None:
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        drop_rules(inner)
    if isinstance(node, dict):
        node.pop("x-kubernetes-validations", None)


def eventually_created(services: Services, manifest: dict[str, Any]) -> dict[str, Any]:
    """Create it once the server has taken up the new definition."""
    for _ in range(200):
        if not services.faults(manifest):
            return services.create(manifest)
    raise AssertionError(services.faults(manifest))


def wait_until_refused(services: Services, manifest: dict[str, Any]) -> None:
    assert any(services.faults(manifest) for _ in range(200)), "the definition is not in force"
