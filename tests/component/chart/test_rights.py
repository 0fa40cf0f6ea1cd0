"""What the operator's account may do on a real API server: all that the engine needs, and nothing else."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.client import AuthorizationV1Api
from kubernetes.config import new_client_from_config

from besteffort_operator.kinds import EVENT, KINDS, LEASE, POD, SERVICE
from support.addons import definitions
from support.chart import EVERYTHING, NAMESPACE, render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.control_plane import ApiServer

TEAM, OTHER = "team-a", "team-b"
LEASE_NAME = "besteffort"
CHILD_VERBS = ("get", "list", "watch", "create", "patch", "delete")
RBAC_KINDS = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")


class Account:
    """The operator's account, with the rights that some values give it."""

    def __init__(self, server: ApiServer, values: object) -> None:
        self.server = server
        self._rights = [one for one in render(values) if one["kind"] in RBAC_KINDS]
        teams = ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in (TEAM, OTHER))
        server.apply(*teams, *self._rights)
        self._api = AuthorizationV1Api(new_client_from_config(str(server.kubeconfig)))

    def may(self, verb: str, resource: str, namespace: str = TEAM, group: str = "", name: str = "") -> bool:
        """Ask the API server, which answers from the rules in force."""
        resource, _, part = resource.partition("/")
        asked = {"verb": verb, "group": group, "resource": resource, "subresource": part, "name": name}
        spec = {"user": f"system:serviceaccount:{NAMESPACE}:besteffort", "resourceAttributes": asked}
        asked["namespace"] = namespace
        return bool(self._api.create_subject_access_review({"spec": spec}).status.allowed)

    def withdraw(self) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": self._rights}
        self.server.kubectl("delete", "--ignore-not-found", "-f", "-", input=json.dumps(listed))


@pytest.fixture(scope="module", params=["cluster", "namespaces"])
def account(request: pytest.FixtureRequest, server: ApiServer) -> Iterator[Account]:
    account = Account(server, EVERYTHING | ({} if request.param == "cluster" else {"watchNamespaces": [TEAM]}))
    yield account
    account.withdraw()


NEEDED = [
    *((verb, kind.plural, kind.group) for kind in KINDS for verb in CHILD_VERBS),
    *((verb, SERVICE.plural, SERVICE.group) for verb in ("get", "list", "watch")),
    ("patch", f"{SERVICE.plural}/status", SERVICE.group),
    ("update", f"{SERVICE.plural}/finalizers", SERVICE.group),
    *((verb, POD.plural, "") for verb in ("get", "list")),
    *((verb, EVENT.plural, "") for verb in ("create", "patch")),
]


def test_it_may_do_in_its_namespaces_what_the_engine_needs(account: Account) -> None:
    missing = [f"{verb} {resource}" for verb, resource, group in NEEDED if not account.may(verb, resource, group=group)]
    assert missing == []


def test_it_may_hold_its_lease_and_no_other(account: Account) -> None:
    for verb in ("get", "update"):
        assert account.may(verb, LEASE.plural, NAMESPACE, LEASE.group, LEASE_NAME)
        assert not account.may(verb, LEASE.plural, NAMESPACE, LEASE.group, "another")
        assert not account.may(verb, LEASE.plural, TEAM, LEASE.group, LEASE_NAME)
    assert account.may("create", LEASE.plural, NAMESPACE, LEASE.group)
    assert not account.may("delete", LEASE.plural, NAMESPACE, LEASE.group, LEASE_NAME)


def test_it_reads_no_secret_but_the_one_of_its_webhook(account: Account) -> None:
    for verb in ("get", "update"):
        assert account.may(verb, "secrets", NAMESPACE, name="besteffort-webhook")
        assert not account.may(verb, "secrets", NAMESPACE, name="another")
        assert not account.may(verb, "secrets", TEAM, name="besteffort-webhook")
    for verb, namespace in itertools.product(
        ("patch", "list", "watch", "create", "delete", "deletecollection"), (NAMESPACE, TEAM)
    ):
        assert not account.may(verb, "secrets", namespace)


def test_it_writes_no_webhook_but_its_own(account: Account) -> None:
    webhooks, group = "mutatingwebhookconfigurations", "admissionregistration.k8s.io"
    assert account.may("patch", webhooks, "", group, f"{NAMESPACE}-besteffort")
    assert not account.may("patch", webhooks, "", group, "another")
    assert not account.may("list", webhooks, "", group)


OWN = [
    ("create", LEASE.plural, LEASE.group, ""),
    *((verb, LEASE.plural, LEASE.group, LEASE_NAME) for verb in ("get", "update")),
    *((verb, "secrets", "", "besteffort-webhook") for verb in ("get", "update")),
    *(
        (verb, "mutatingwebhookconfigurations", "admissionregistration.k8s.io", f"{NAMESPACE}-besteffort")
        for verb in ("get", "patch")
    ),
]
"""What it may do beside its services, with the name to which that is bound."""


@pytest.mark.parametrize("namespaces", [[], [TEAM]], ids=["cluster", "namespaces"])
def test_the_chart_grants_what_is_needed_and_nothing_more(namespaces: list[str]) -> None:
    manifests = render(EVERYTHING | {"watchNamespaces": namespaces})
    roles = {(one["kind"], one["metadata"]["name"]): one for one in manifests if one["kind"].endswith("Role")}
    bound = [roles[one["roleRef"]["kind"], one["roleRef"]["name"]] for one in manifests if "roleRef" in one]
    granted = [right for role in bound for rule in role["rules"] for right in rights(rule)]
    assert set(granted) == {*((*needed, "") for needed in NEEDED), *OWN}
    assert len(granted) == len(set(granted))


def rights(rule: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """What a rule grants, one by one: verb, resource, group, name."""
    assert set(rule) <= {"verbs", "resources", "apiGroups", "resourceNames"}
    names = rule.get("resourceNames", [""])
    return itertools.product(rule["verbs"], rule["resources"], rule["apiGroups"], names)


FORBIDDEN = [
    ("create", "pods", ""),
    ("delete", "pods", ""),
    ("create", "pods/exec", ""),
    ("get", "nodes", ""),
    ("list", "namespaces", ""),
    ("create", "roles", "rbac.authorization.k8s.io"),
    ("bind", "clusterroles", "rbac.authorization.k8s.io"),
    ("escalate", "clusterroles", "rbac.authorization.k8s.io"),
    ("impersonate", "serviceaccounts", ""),
    ("create", "serviceaccounts/token", ""),
    ("update", "customresourcedefinitions", "apiextensions.k8s.io"),
    ("create", SERVICE.plural, SERVICE.group),
    ("patch", SERVICE.plural, SERVICE.group),
    ("delete", SERVICE.plural, SERVICE.group),
    ("patch", "statefulsets", "apps"),
    ("create", "jobs", "batch"),
]


def test_it_may_do_nothing_that_it_does_not_need(account: Account) -> None:
    granted = [f"{verb} {resource}" for verb, resource, group in FORBIDDEN if account.may(verb, resource, group=group)]
    assert granted == []


def test_with_a_list_of_namespaces_it_has_no_rights_elsewhere(server: ApiServer) -> None:
    account = Account(server, {"watchNamespaces": [TEAM]})
    try:
        assert account.may("list", "deployments", TEAM, "apps")
        assert not account.may("list", "deployments", OTHER, "apps")
        assert not account.may("list", "deployments", "", "apps")
        assert not account.may("get", "secrets", NAMESPACE, name="besteffort-webhook"), "the webhook is off"
    finally:
        account.withdraw()


def test_no_rule_has_a_wildcard() -> None:
    for values in (EVERYTHING, EVERYTHING | {"watchNamespaces": [TEAM]}):
        for role in (one for one in render(values) if one["kind"] in ("Role", "ClusterRole")):
            for rule in role["rules"]:
                assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]


def test_people_who_view_and_edit_get_the_resource_with_their_roles() -> None:
    manifests = render({})
    by_label: dict[str, Any] = {}
    for role in (one for one in manifests if one["kind"] == "ClusterRole"):
        by_label |= {label: role for label in role["metadata"]["labels"] if "aggregate-to" in label}
    assert {label.rpartition("-")[2] for label in by_label} == {"view", "edit", "admin"}
    view = by_label["rbac.authorization.k8s.io/aggregate-to-view"]
    assert {verb for rule in view["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}


def test_the_engine_owns_no_kind_that_these_tests_forget() -> None:
    plurals = {kind.plural for kind in KINDS if kind.optional}
    assert plurals <= {one["spec"]["names"]["plural"] for one in definitions()}
