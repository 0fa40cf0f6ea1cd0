"""Every input of tests/golden/resource gives the committed output: a RouterConfig, or the sentences that refuse it.

UPDATE_GOLDEN=1 writes the outputs anew; read the difference before it is committed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from besteffort_resource.document import load_service
from besteffort_resource.errors import ResourceError
from besteffort_resource.profile import load_profiles
from besteffort_resource.router_config import BackendAddress, router_config
from besteffort_resource.service import BestEffortService, PlacementMode

GOLDEN = Path(__file__).parents[2] / "golden" / "resource"
INPUTS = sorted((GOLDEN / "input").glob("*.yaml"))


def backends_of(service: BestEffortService) -> list[BackendAddress]:
    if service.spec.placement.mode is PlacementMode.COLOCATED:
        groups = {"all": tuple(size.name for size in service.spec.sizes)}
        replicas = {"all": service.replicas_of(service.spec.sizes[0])}
    else:
        groups = {size.name: (size.name,) for size in service.spec.sizes}
        replicas = {size.name: service.replicas_of(size) for size in service.spec.sizes}
    return [
        BackendAddress(f"{group}-{i}", f"{group}-{i}:8001", f"http://{group}-{i}:8002/metrics", sizes, f"gpu-{i}")
        for group, sizes in groups.items()
        for i in range(replicas[group])
    ]


def outcome(path: Path) -> dict[str, Any]:
    try:
        service = load_service(path)
        config = router_config(
            service,
            backends_of(service),
            bundle_path="/policy/policy.safetensors",
            profiles=load_profiles(GOLDEN / "profile.yaml"),
        )
    except ResourceError as error:
        return {"sentences": list(error.sentences)}
    return json_format.MessageToDict(config)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_an_input_gives_its_committed_output(path: Path) -> None:
    output = GOLDEN / "output" / f"{path.stem}.json"
    found = outcome(path)
    if os.environ.get("UPDATE_GOLDEN"):
        output.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(output.read_text(encoding="utf-8"))


def test_exactly_the_bad_inputs_are_refused() -> None:
    refused = {path.stem for path in INPUTS if "sentences" in outcome(path)}
    assert refused == {path.stem for path in INPUTS if path.stem.startswith("bad-")}


def test_no_output_is_left_without_an_input() -> None:
    assert {path.stem for path in (GOLDEN / "output").iterdir()} == {path.stem for path in INPUTS}


def test_every_sentence_is_one_line_and_short_enough_to_read() -> None:
    for path in INPUTS:
        for sentence in outcome(path).get("sentences", []):
            assert "\n" not in sentence
            assert len(sentence) < 250
