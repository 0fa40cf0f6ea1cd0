from __future__ import annotations

import json

from besteffort_resource.profile import ProfileFile
from besteffort_resource.schema import fields, root_of
from besteffort_resource.service import BestEffortService


def test_a_place_deep_in_lists_and_maps_is_found() -> None:
    place = root_of(BestEffortService).at(["spec", "sizes", 3, "quality", "byTask", "sorting"])
    assert place
    assert place.node["examples"] == ["0.41"]


def test_a_map_of_blocks_leads_to_the_block_for_any_key() -> None:
    place = root_of(ProfileFile).at(["sizes", "anything", "latency", 0])
    assert place
    assert place.names == ("batch", "seconds")


def test_nothing_is_known_below_a_field_that_does_not_exist() -> None:
    assert root_of(BestEffortService).at(["spec", "nonsense", "deeper"]) is None


def test_an_optional_block_is_described_by_its_field_and_keeps_its_fields() -> None:
    place = root_of(BestEffortService).at(["spec", "sizes", 0, "gpu"])
    assert place
    assert place.node["description"] == "Accelerators of each server; none when left out. Dedicated only."
    assert place.names == ("resource", "count", "product")


def test_every_field_is_listed_once_and_described() -> None:
    listed = list(fields(BestEffortService))
    paths = [path for path, _, _ in listed]
    assert len(paths) == len(set(paths))
    assert {"metadata.name", "spec.sizes[].latency[].seconds", "spec.policy.bundle.configMapRef.key"} <= set(paths)
    assert all(place.node.get("description") for _, _, place in listed)


def test_the_schema_has_nothing_that_a_structural_crd_schema_forbids() -> None:
    text = json.dumps(BestEffortService.model_json_schema())
    for word in ("patternProperties", "propertyNames", "oneOf", "uniqueItems", "prefixItems"):
        assert f'"{word}"' not in text


def test_every_list_and_map_is_bounded() -> None:
    for path, _, place in fields(BestEffortService):
        if place.node["type"] == "array":
            assert "maxItems" in place.node, path
        if "additionalProperties" in place.node and not place.names:
            assert "maxProperties" in place.node, path
