from __future__ import annotations

import json
import random
from typing import Any

import pytest

from besteffort_operator.manifests.build import wanted
from besteffort_operator.manifests.overlay import IDENTITIES
from besteffort_resource.errors import ResourceError
from support.manifests import CONTEXT
from support.services import hub_size, service, size

FIELDS = [*IDENTITIES, "metadata", "spec", "labels", "annotations", "securityContext", "labelSelector", "key", "args"]
PLAIN = [None, True, 0, 7, 1.5, "", "triton", "tmp", "kubernetes.io/hostname", "/tmp", 8001]
IDENTITY = ["name", "ip", "containerPort", "topologyKey", "mountPath"]


def anything(rng: random.Random, depth: int) -> Any:
    """A JSON value as somebody might misunderstand a pod template."""
    kind = rng.choice(("plain", "object", "object", "list")) if depth else "plain"
    if kind == "object":
        keys = rng.sample(FIELDS + IDENTITY, rng.randint(0, 4))
        return {key: anything(rng, depth - 1) for key in keys}
    if kind == "list":
        return [anything(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    return rng.choice(PLAIN)


def block(rng: random.Random) -> dict[str, Any]:
    fields = {key: anything(rng, 4) for key in rng.sample(FIELDS, 4)}
    return {"spec": fields} if rng.random() < 0.8 else fields


@pytest.mark.parametrize("seed", range(200))
def test_whatever_is_passed_on_makes_manifests_or_a_sentence(seed: int) -> None:
    rng = random.Random(seed)
    scheduling = {
        "topologySpreadConstraints": [{"maxSkew": 1} | block(rng)],
        "tolerations": [block(rng)],
        "affinity": block(rng),
    }
    try:
        found = service(
            size("a"),
            hub_size("b"),
            placement={"scheduling": scheduling},
            triton={"podTemplate": block(rng), "env": [{"name": "A", "valueFrom": block(rng)}]},
            router={"podTemplate": block(rng)},
        )
        json.dumps(wanted(found, CONTEXT))
    except ResourceError:
        pass
