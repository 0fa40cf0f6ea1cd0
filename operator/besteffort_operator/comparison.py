"""Is an object as it is wanted? Decides without I/O whether a write is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from besteffort_operator.manifests.metadata import WANTED_ANNOTATION, digest
from besteffort_operator.workload import INSTANCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from besteffort_operator.manifests.context import Manifest

__all__ = ["Memory", "covers", "owns_replicas"]

EXACT = frozenset({"labelSelector", "matchLabels", "namespaceSelector", "nodeSelector", "podSelector", "selector"})
BY_THE_SERVER = ("managedFields", "resourceVersion", "generation")


def covers(live: Any, wanted: Any) -> bool:  # noqa: ANN401  any JSON value
    """Say whether every field of `wanted` is in `live`; what the server adds to mappings does not count.

    Lists must be of one length, and selectors hold nothing else: an argument, a network peer or a label to match that
    someone added is a difference. An empty value that the server leaves out is covered.
    """
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(
            _field_covers(key, live[key], value) if key in live else _is_empty(value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(live, list) and len(live) == len(wanted) and all(map(covers, live, wanted))
    return bool(live == wanted)


def _field_covers(name: str, live: Any, wanted: Any) -> bool:  # noqa: ANN401  any JSON value
    return bool(live == wanted) if name in EXACT else covers(live, wanted)


def _is_empty(value: Any) -> bool:  # noqa: ANN401  any JSON value
    return value is None or value in ({}, [], "")


def owns_replicas(live: Mapping[str, Any], manager: str) -> bool:
    """Say whether a field manager's applied fields hold spec.replicas of a live object."""
    return any(
        "f:replicas" in entry.get("fieldsV1", {}).get("f:spec", {})
        for entry in live["metadata"].get("managedFields", ())
        if entry["manager"] == manager and entry["operation"] == "Apply"
    )


class Memory:
    """Remembers how the server rewrites what is wanted, so that its spelling is not fought.

    A quantity of 1000m comes back as 1: then `covers` stays false after the write. The live object's hash after
    that write is kept, and the same live object is not written again.
    """

    def __init__(self) -> None:
        self._accepted: dict[tuple[str, str], dict[tuple[str, str], str]] = {}
        """Fingerprints by service and child."""

    def is_settled(self, live: Mapping[str, Any], wanted: Manifest) -> bool:
        """Say whether a live object needs no write to be as wanted; `wanted` is sealed."""
        seals = [found["metadata"].get("annotations", {}).get(WANTED_ANNOTATION) for found in (live, wanted)]
        if seals[0] != seals[1]:
            return False
        accepted = self._accepted.get(_service(live), {}).get(_child(live))
        return covers(live, wanted) or accepted == _fingerprint(live)

    def accept(self, live: Mapping[str, Any], wanted: Manifest) -> None:
        """Keep how the server wrote what was wanted."""
        if covers(live, wanted):
            self.forget(live)
        else:
            self._accepted.setdefault(_service(live), {})[_child(live)] = _fingerprint(live)

    def forget(self, live: Mapping[str, Any]) -> None:
        """Drop what is known of an object that goes."""
        self._accepted.get(_service(live), {}).pop(_child(live), None)

    def forget_service(self, namespace: str, name: str) -> None:
        """Drop what is known of the children of a service that is gone: the garbage collector takes them unseen."""
        self._accepted.pop((namespace, name), None)


def _service(live: Mapping[str, Any]) -> tuple[str, str]:
    metadata = live["metadata"]
    return metadata.get("namespace", ""), metadata.get("labels", {}).get(INSTANCE, "")


def _child(live: Mapping[str, Any]) -> tuple[str, str]:
    return live["kind"], live["metadata"]["name"]


def _fingerprint(live: Mapping[str, Any]) -> str:
    metadata = {key: value for key, value in live["metadata"].items() if key not in BY_THE_SERVER}
    return digest({key: value for key, value in live.items() if key != "status"} | {"metadata": metadata})
