from __future__ import annotations

import json
from typing import Any

import pytest

from besteffort_cli.errors import InputError
from besteffort_cli.promotion import PREVIOUS, promoted, rolled_back

OLD = {"configMapRef": {"name": "old", "key": "p.safetensors"}}
NEW = {"pvc": {"claimName": "policies", "path": "new.safetensors"}}


def service(
    policy: dict[str, Any], *, annotations: dict[str, str] | None = None, loaded: str = "True", judged: int = 2
) -> dict[str, Any]:
    said = {"reason": "BundleRefused", "message": "canary: bad header"}
    condition = {"type": "PolicyLoaded", "status": loaded, "observedGeneration": judged, **said}
    return {
        "metadata": {"name": "assistant", "generation": 2, "annotations": annotations or {}},
        "spec": {"policy": policy},
        "status": {"conditions": [condition]},
    }


def merged(target: Any, patch: Any) -> Any:
    """JSON merge patch, RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


def test_promote_puts_the_canarys_bundle_in_place_and_notes_the_former() -> None:
    before = service({"kind": "Learned", "bundle": OLD, "canary": {"bundle": NEW, "replicas": 1}})
    patch, sentence = promoted(before)
    after = merged(before, patch)
    assert after["spec"]["policy"] == {"kind": "Learned", "bundle": NEW}
    assert json.loads(after["metadata"]["annotations"][PREVIOUS]) == OLD
    assert sentence == "all routers get pvc policies/new.safetensors; before it was configMapRef old/p.safetensors"


def test_a_bundle_reads_the_same_in_any_order_of_its_fields() -> None:
    sorted_by_server = {"configMapRef": {"key": "p.safetensors", "name": "old"}}
    policy = {"bundle": sorted_by_server, "canary": {"bundle": NEW}}
    assert rolled_back(service(policy))[1].endswith("get configMapRef old/p.safetensors")


def test_rollback_ends_a_canary_and_touches_nothing_else() -> None:
    before = service({"bundle": OLD, "canary": {"bundle": NEW}}, annotations={PREVIOUS: json.dumps(NEW)})
    after = merged(before, rolled_back(before)[0])
    assert after["spec"]["policy"] == {"bundle": OLD}
    assert after["metadata"] == before["metadata"]


def test_rollback_returns_to_the_former_bundle_and_a_second_one_takes_it_back() -> None:
    start = service({"bundle": OLD, "canary": {"bundle": NEW}})
    after = merged(start, promoted(start)[0])
    back = merged(after, rolled_back(after)[0])
    assert back["spec"]["policy"] == {"bundle": OLD}
    forth = merged(back, rolled_back(back)[0])
    assert forth["spec"]["policy"] == {"bundle": NEW}


def test_a_service_that_had_no_bundle_gets_none_back() -> None:
    start = service({"kind": "Price", "canary": {"bundle": NEW}})
    after = merged(start, promoted(start)[0])
    assert merged(after, rolled_back(after)[0])["spec"]["policy"] == {"kind": "Price"}


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (service({"bundle": OLD}), "has no canary to promote"),
        (service({"canary": {"bundle": NEW}}, loaded="False"), "is not promoted: canary: bad header; mend or wait"),
        (service({"canary": {"bundle": NEW}}, loaded="Unknown"), "is not promoted: canary: bad header; mend or wait"),
        (service({"canary": {"bundle": NEW}}, judged=1), "has not said yet whether routers run the service as it is"),
        (service({"canary": {"bundle": NEW}}) | {"status": {}}, "has not said yet whether"),
    ],
)
def test_what_cannot_be_promoted_is_refused(found: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        promoted(found)


@pytest.mark.parametrize(
    ("annotations", "sentence"), [({}, "neither a canary nor a former"), ({PREVIOUS: "{"}, "not the JSON of a bundle")]
)
def test_without_anything_to_return_to_rollback_says_so(annotations: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        rolled_back(service({"bundle": OLD}, annotations=annotations))
