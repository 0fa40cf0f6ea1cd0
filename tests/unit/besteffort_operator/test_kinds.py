"""Kinds and their paths."""

from __future__ import annotations

import pytest

from besteffort_operator.kinds import CONFIG_MAP, DEPLOYMENT, KINDS, OPTIONAL_KINDS, SERVICE, kind_of
from support.manifests import INPUTS, wanted_of


def test_a_kind_of_the_core_has_no_group() -> None:
    assert (CONFIG_MAP.group, CONFIG_MAP.version) == ("", "v1")
    assert CONFIG_MAP.path("models", "a") == "/api/v1/namespaces/models/configmaps/a"


def test_paths_lead_to_an_object_a_namespace_or_all() -> None:
    assert DEPLOYMENT.path("models", "a") == "/apis/apps/v1/namespaces/models/deployments/a"
    assert DEPLOYMENT.path("models") == "/apis/apps/v1/namespaces/models/deployments"
    assert SERVICE.path() == "/apis/serving.besteffort.dev/v1alpha1/besteffortservices"


def test_a_name_leads_nowhere_else() -> None:
    path = CONFIG_MAP.path("a/../b", "c/status?x=1#y")
    assert path == "/api/v1/namespaces/a%2F..%2Fb/configmaps/c%2Fstatus%3Fx%3D1%23y"


def test_every_child_that_is_ever_wanted_is_of_a_known_kind() -> None:
    found = {kind_of(manifest) for path in INPUTS for manifest in wanted_of(path)}
    assert found == set(KINDS)


def test_what_is_not_owned_has_no_kind_here() -> None:
    with pytest.raises(KeyError):
        kind_of({"apiVersion": "v1", "kind": "Secret"})


def test_only_add_ons_are_optional() -> None:
    assert {kind.group for kind in OPTIONAL_KINDS} == {"monitoring.coreos.com", "keda.sh"}
