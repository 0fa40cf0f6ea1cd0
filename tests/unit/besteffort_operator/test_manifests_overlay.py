from __future__ import annotations

from typing import Any

import pytest

from besteffort_operator.manifests.overlay import overlaid

POD: dict[str, Any] = {
    "serviceAccountName": "ours",
    "securityContext": {"fsGroup": 1000, "runAsNonRoot": True},
    "containers": [
        {
            "name": "triton",
            "args": ["a", "b"],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        }
    ],
    "tolerations": [{"key": "ours"}],
    "volumes": [{"name": "tmp", "emptyDir": {}}],
}


@pytest.mark.parametrize(
    ("above", "path", "expected"),
    [
        ({}, [], POD),
        ({"hostname": "h"}, ["hostname"], "h"),
        ({"serviceAccountName": "mine"}, ["serviceAccountName"], "mine"),
        ({"serviceAccountName": None}, ["serviceAccountName"], None),
        ({"securityContext": {"fsGroup": 1}}, ["securityContext"], {"fsGroup": 1, "runAsNonRoot": True}),
        ({"tolerations": [{"key": "mine"}]}, ["tolerations"], [{"key": "mine"}]),
        ({"initContainers": [{"name": "get"}]}, ["initContainers"], [{"name": "get"}]),
        ({"dnsConfig": {"options": None, "searches": ["a"]}}, ["dnsConfig"], {"searches": ["a"]}),
    ],
)
def test_what_is_said_replaces_and_what_is_not_said_stays(above: Any, path: list[str], expected: Any) -> None:
    found: Any = overlaid(POD, above)
    for key in path:
        found = found.get(key)
    assert found == expected


def test_a_container_of_the_same_name_merges_and_another_one_is_added() -> None:
    above = {"containers": [{"name": "proxy", "image": "p"}, {"name": "triton", "args": ["c"], "tty": True}]}
    triton, proxy = overlaid(POD, above)["containers"]
    assert triton == POD["containers"][0] | {"args": ["c"], "tty": True}
    assert proxy == {"name": "proxy", "image": "p"}


def test_a_variable_of_the_same_name_is_replaced_as_a_whole_at_its_place() -> None:
    source = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    (container,) = overlaid(POD, {"containers": [{"name": "triton", "env": [source]}]})["containers"]
    assert container["env"] == [source, {"name": "B", "value": "2"}]


def test_a_volume_never_gets_a_second_source() -> None:
    volumes = overlaid(POD, {"volumes": [{"name": "tmp", "persistentVolumeClaim": {"claimName": "c"}}]})["volumes"]
    assert volumes == [{"name": "tmp", "persistentVolumeClaim": {"claimName": "c"}}]


def test_a_mount_is_known_by_its_path() -> None:
    mounts = [{"name": "big", "mountPath": "/tmp"}, {"name": "big", "mountPath": "/data"}]
    (container,) = overlaid(POD, {"containers": [{"name": "triton", "volumeMounts": mounts}]})["containers"]
    assert container["volumeMounts"] == mounts


@pytest.mark.parametrize("wrong", ["text", [{"image": "unnamed"}], [{"name": {}}], ["text"], 7])
def test_a_list_without_identities_is_left_to_the_api_server_to_refuse(wrong: Any) -> None:
    assert overlaid(POD, {"containers": wrong})["containers"] == wrong


def test_where_the_operators_side_has_no_identities_the_users_list_is_taken() -> None:
    below = {"topologySpreadConstraints": [{"maxSkew": 1}]}
    above = {"topologySpreadConstraints": [{"topologyKey": "zone", "maxSkew": 2}]}
    assert overlaid(below, above) == above


def test_neither_side_is_changed() -> None:
    above = {"containers": [{"name": "triton", "args": ["c"]}], "volumes": [{"name": "v", "emptyDir": {}}]}
    overlaid(POD, above)
    assert POD["containers"][0]["args"] == ["a", "b"]
    assert len(POD["volumes"]) == 1
    assert above == {"containers": [{"name": "triton", "args": ["c"]}], "volumes": [{"name": "v", "emptyDir": {}}]}
