"""Pure: which Triton Deployments may take a changed pod template now. One size at a time, and never the last to serve.

With Dedicated placement a change such as a new image would else take a server of every size at once. So of the
Deployments that serve at most one is changing; the others keep their live pod template, and all else of their wanted
manifest. In particular:

- a Deployment without an available server has nothing to lose: it takes its template at once, so that a change that
  broke it can always be mended, and a first start needs no queue;
- one whose change would leave no server of any (no surge, one server, none elsewhere) waits until another one serves,
  for ever if need be: only a person can know that an outage is worth it;
- while a change is not complete, even one that is stuck, the other sizes wait: what breaks one size stays with it;
- pods lost after a change was complete (a node that died) hold nobody else up.

Which template a Deployment was let to take stands in an annotation, as a digest: the live one has defaults filled in,
and somebody's hand in it, which is put right at once, is no change of the resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from besteffort_operator.manifests.metadata import digest, sealed
from besteffort_operator.workload import TEMPLATE, WAITS_FOR, workload_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from besteffort_operator.workload import Workload

__all__ = ["gated"]


def gated(wanted: Iterable[Mapping[str, Any]], live: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the wanted manifests as they may be applied now, in their order.

    Each Triton Deployment gets its template's digest as annotation; one that has to wait gets its live template, and
    the name of the Deployment that it waits for as another annotation.
    """
    manifests = [dict(manifest) for manifest in wanted]
    known = {manifest["metadata"]["name"]: manifest for manifest in live if _is_triton(manifest)}
    ours = {manifest["metadata"]["name"]: manifest for manifest in manifests if _is_triton(manifest)}
    turn = _turn(ours, known)
    return [_gated(manifest, known, turn) if _is_triton(manifest) else manifest for manifest in manifests]


def _is_triton(manifest: Mapping[str, Any]) -> bool:
    return manifest["kind"] == "Deployment" and workload_of(manifest).component == "triton"


def _turn(ours: Mapping[str, Mapping[str, Any]], known: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the one Deployment that may change, or is changing, while it serves; empty: none wants to."""
    workloads = {name: workload_of(known[name]) for name in ours if name in known}  # in the order of the sizes
    changed = [workload for name, workload in workloads.items() if _changes(ours[name], known[name])]
    at_it = [workload for workload in workloads.values() if workload not in changed and not _done(workload)]
    waiting = [workload for workload in changed if workload.available]
    # First the size that has least to lose.
    first = min(at_it or waiting, key=lambda workload: workload.available / max(workload.wanted, 1), default=None)
    if first is None:
        return ""
    others = [workload for name, workload in workloads.items() if name != first.name]
    if first in at_it or _leaves_a_server(ours[first.name], first, others):
        return first.name
    return others[0].name


def _leaves_a_server(wanted: Mapping[str, Any], live: Workload, others: Collection[Workload]) -> bool:
    """Return whether any server answers all through a change; where there is no other Deployment, that is no matter."""
    spec = wanted["spec"]
    kept = spec.get("replicas", live.wanted) - spec["strategy"]["rollingUpdate"]["maxUnavailable"]
    return kept > 0 or not others or any(workload.available for workload in others)


def _changes(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    taken = live["metadata"].get("annotations", {}).get(TEMPLATE)
    return bool(_digest(wanted) != taken)


def _done(workload: Workload) -> bool:
    """Return whether its last change is complete; the first start of a new size is none."""
    return workload.rolled_out or workload.first


def _gated(manifest: dict[str, Any], known: Mapping[str, Mapping[str, Any]], turn: str) -> dict[str, Any]:
    name = manifest["metadata"]["name"]
    live = known.get(name)
    if live is None or not _changes(manifest, live) or turn in ("", name) or not workload_of(live).available:
        return _annotated(manifest, {TEMPLATE: _digest(manifest)})
    held = manifest | {"spec": manifest["spec"] | {"template": live["spec"]["template"]}}
    return _annotated(held, {TEMPLATE: live["metadata"].get("annotations", {}).get(TEMPLATE, ""), WAITS_FOR: turn})


def _annotated(manifest: dict[str, Any], annotations: Mapping[str, str]) -> dict[str, Any]:
    metadata = manifest["metadata"]
    return sealed(manifest | {"metadata": metadata | {"annotations": metadata.get("annotations", {}) | annotations}})


def _digest(manifest: Mapping[str, Any]) -> str:
    return digest(manifest["spec"]["template"])
