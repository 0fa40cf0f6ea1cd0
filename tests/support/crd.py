"""The committed CustomResourceDefinition on a real API server: what it says of a resource, and which rule says so."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

from besteffort_resource.cel import Validation
from besteffort_resource.validations import VALIDATIONS
from cluster.access import Cluster
from support.crd_cases import CASES, FULL, Case, resource

__all__ = ["COMMITTED", "Cause", "Services", "at", "bad_forms", "broken", "forms_of", "installed", "rule_of"]

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "manifests" / "crd.yaml"
NAME = "besteffortservices.serving.besteffort.dev"
READY_S = 30.0
QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")


@dataclass(frozen=True)
class Cause:
    """One fault, as the API server tells it."""

    field: str
    message: str


class Services:
    """BestEffortServices of one namespace, with every answer of the API server."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._api = client.CustomObjectsApi(config.new_client_from_config(str(cluster.kubeconfig)))
        self._at = ("serving.besteffort.dev", "v1alpha1", namespace, "besteffortservices")

    def create(self, manifest: Mapping[str, Any], *, strict: bool = True) -> dict[str, Any]:
        """Create and return it.

        Raises:
            ApiException: the server refuses it.
        """
        validation = "Strict" if strict else "Ignore"
        made: dict[str, Any] = self._api.create_namespaced_custom_object(
            *self._at, dict(manifest), field_validation=validation
        )
        return made

    def delete(self, name: str) -> None:
        """Delete it, with all that hangs on it."""
        self._api.delete_namespaced_custom_object(*self._at, name)

    def replace(self, name: str, manifest: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Replace it whatever was written meanwhile.

        Raises:
            ApiException: the server refuses it.
        """
        made: dict[str, Any] = self._api.replace_namespaced_custom_object(
            *self._at, name, dict(manifest), field_validation="Strict", **({"dry_run": "All"} if dry_run else {})
        )
        return made

    def faults(self, manifest: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> list[Cause]:
        """Return what is wrong with a resource, or with a change of one; nothing is left behind."""
        try:
            if before is None:
                self._api.create_namespaced_custom_object(
                    *self._at, dict(manifest), dry_run="All", field_validation="Strict"
                )
            else:
                self._change(before, manifest)
        except client.ApiException as error:
            return _causes(error)
        return []

    def _change(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        made = self.create(before)
        name = made["metadata"]["name"]
        version = {"resourceVersion": made["metadata"]["resourceVersion"]}
        try:
            self.replace(name, {**after, "metadata": {**after["metadata"], **version}}, dry_run=True)
        finally:
            self.delete(name)


@contextmanager
def installed(cluster: Cluster, path: Path = COMMITTED) -> Iterator[None]:
    """Install a definition and wait until its resources are served; take it away again if it was not there before."""
    there = NAME in cluster.kubectl("get", "crd", "-o", "name")
    install(cluster, path)
    try:
        yield
    finally:
        if not there:
            cluster.kubectl("delete", "crd", NAME)


def install(cluster: Cluster, path: Path = COMMITTED) -> None:
    """Apply a definition and wait until its resources are served."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(path))
    cluster.kubectl("wait", "--for=condition=Established", f"crd/{NAME}", "--timeout=30s")
    deadline = time.monotonic() + READY_S
    while "besteffortservices" not in cluster.kubectl("get", "--raw", "/apis/serving.besteffort.dev/v1alpha1"):
        assert time.monotonic() < deadline, "the definition is not served"
        time.sleep(0.05)


def broken(services: Services, case: Case) -> list[Cause]:
    """Return what the API server says of the refused half of a case."""
    before = None if case.before is None else resource(case.before, name=case.names[0])
    return services.faults(resource(case.refused, name=case.names[0]), before=before)


def kept(services: Services, case: Case) -> list[Cause]:
    """Return what the API server says of the accepted half of a case: nothing."""
    before = None if case.before is None else resource(case.before, name=case.names[1])
    return services.faults(resource(case.accepted, name=case.names[1]), before=before)


def rule_of(cause: Cause) -> Validation | None:
    """Return the rule whose sentence, at whose field, a cause is."""
    place = re.sub(r"\[\d+\]", "[]", cause.field)
    at_place = [rule for rule in VALIDATIONS if (rule.at + rule.field).lstrip(".") == place]
    return next((rule for rule in at_place if _sentence(rule).search(cause.message)), None)


def proven(services: Services) -> set[Validation]:
    """Return the rules that refuse a case of their own, and do not refuse what is close to it."""
    causes = [broken(services, case) for case in CASES if not kept(services, case)]
    return {rule for found in causes if len(found) == 1 and (rule := rule_of(found[0]))}


def forms_of(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and sentence of every field that has a form; the sentence without the value before it."""
    for rule in schema.get("x-kubernetes-validations", ()):
        if rule["rule"].startswith(("self.matches(r'", "type(self) == int")):
            yield path, rule["message"]
    for name, field in schema.get("properties", {}).items():
        yield from forms_of(field, f"{path}.{name}".lstrip("."))
    for key, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(schema.get(key), dict):
            yield from forms_of(schema[key], path + suffix)


def bad_forms(services: Services, schema: Mapping[str, Any]) -> dict[str, str]:
    """Return, by path, each form whose refusal or acceptance is not as it should be, with what the server said."""
    said = services.faults(resource(FULL))
    wrong = {}
    for path, sentence in forms_of(schema):
        refused = services.faults(resource(with_value(FULL, path, "\0")))
        if not any(at(cause, path) and sentence in cause.message for cause in refused):
            wrong[path] = f"not refused: {refused}"
        if any(at(cause, path) and sentence in cause.message for cause in said):
            wrong[path] = f"refused: {said}"
    return wrong


def schema_of(path: Path = COMMITTED) -> dict[str, Any]:
    """Return the schema of a definition's only version."""
    definition = yaml.safe_load(path.read_text(encoding="utf-8"))
    schema: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _causes(error: client.ApiException) -> list[Cause]:
    status = json.loads(error.body)
    causes = status.get("details", {}).get("causes") or [{"message": status["message"]}]
    return [Cause(cause.get("field", ""), cause["message"]) for cause in causes]


def _sentence(rule: Validation) -> re.Pattern[str]:
    literals = [re.escape(re.sub(r"\\(.)", r"\1", text)) for text in QUOTED.findall(rule.says)]
    return re.compile(".*".join(literals) + ("$" if rule.says.endswith("'") else ""))


def at(cause: Cause, path: str) -> bool:
    """Tell whether a cause is at a path of the schema."""
    place = re.sub(r"(byTask|limits|nodeSelector|requests)(\.\w+|\[\w+\])$", r"\1.*", cause.field)
    return re.sub(r"\[\d+\]", "[]", place) == path


def with_value(spec: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of a spec with another value at a path of the schema."""
    changed: dict[str, Any] = _replaced(spec, path.split(".")[1:], value)
    return changed


def _replaced(value: Any, steps: list[str], new: str) -> Any:
    """Return a copy with another value at a path."""
    if not steps:
        return new
    name, rest = steps[0].removesuffix("[]"), steps[1:]
    if name == "*":
        return {key: _replaced(inner, rest, new) for key, inner in value.items()}
    inner = value[name]
    changed = [_replaced(inner[0], rest, new)] if steps[0].endswith("[]") else _replaced(inner, rest, new)
    return {**value, name: changed}
