"""`besteffort policy promote` and `rollback`: end the trial of a policy bundle one way or the other."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from besteffort_cli.access import ContextOption, KubeconfigOption, NamespaceOption, find_place, live_service, reached
from besteffort_cli.errors import InputError
from besteffort_operator.kinds import SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from besteffort_cli.access import Place

__all__ = ["PREVIOUS", "policy_promote", "policy_rollback", "promoted", "rolled_back"]

PREVIOUS = "serving.besteffort.dev/previous-bundle"
"""Annotation of a service: its former bundle as JSON, null for none."""
SOURCES = ("path", "configMapRef", "pvc", "oci")

NameArgument = Annotated[str, typer.Argument(help="Name of the BestEffortService.")]

Change = tuple[dict[str, Any], str]
"""A merge patch of a service, and what it comes to."""


def policy_promote(
    name: NameArgument,
    *,
    namespace: NamespaceOption = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Let all routers run the bundle that the canary tries, and end the canary.

    It is refused until routers say that they run it: condition PolicyLoaded.

    The former bundle is noted in the annotation
    serving.besteffort.dev/previous-bundle, for `policy rollback`; keep it where
    it is, under its own name.

    A service whose YAML is kept in a repository needs the same change there.
    """
    _change(find_place(kubeconfig, context, namespace), name, promoted)


def policy_rollback(
    name: NameArgument,
    *,
    namespace: NamespaceOption = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """End the canary; without one, return to the bundle that ruled before the last `policy promote`.

    A rollback to the former bundle notes the one that it replaces, so that a
    second rollback takes it back.

    A service whose YAML is kept in a repository needs the same change there.
    """
    _change(find_place(kubeconfig, context, namespace), name, rolled_back)


def promoted(service: Mapping[str, Any]) -> Change:
    """Return the change that makes the canary's bundle the service's own.

    Raises:
        InputError: there is no canary, or its routers do not say that they run its bundle.
    """
    policy = service["spec"].get("policy", {})
    if not policy.get("canary"):
        raise InputError("the service has no canary to promote; set spec.policy.canary first.")
    _assert_loaded(service)
    bundle = policy["canary"]["bundle"]
    return _patch(policy, bundle), f"all routers get {_text(bundle)}; before it was {_text(policy.get('bundle'))}"


def rolled_back(service: Mapping[str, Any]) -> Change:
    """Return the change that ends the canary, or brings the former bundle back.

    Raises:
        InputError: there is neither a canary nor a former bundle.
    """
    policy = service["spec"].get("policy", {})
    if policy.get("canary"):
        return {"spec": {"policy": {"canary": None}}}, f"the canary ends; all routers get {_text(policy.get('bundle'))}"
    noted = service["metadata"].get("annotations", {}).get(PREVIOUS)
    if noted is None:
        raise InputError(
            "the service has neither a canary nor a former bundle on record; there is nothing to roll back."
        )
    try:
        bundle = json.loads(noted)
    except ValueError as error:
        raise InputError(f"annotation {PREVIOUS} is not the JSON of a bundle; mend or remove it.") from error
    return _patch(policy, bundle), f"all routers get {_text(bundle)} again, in place of {_text(policy.get('bundle'))}"


def _assert_loaded(service: Mapping[str, Any]) -> None:
    """Refuse a bundle that nobody has seen at work: there would be nothing left to fall back to."""
    metadata, conditions = service["metadata"], service.get("status", {}).get("conditions", ())
    loaded = next((found for found in conditions if found["type"] == "PolicyLoaded"), None)
    if loaded is None or loaded.get("observedGeneration") != metadata.get("generation"):
        fault = "the operator has not said yet whether routers run the service as it is now"
    elif loaded["status"] == "True":
        return
    else:
        fault = loaded["message"]
    wait = f"`kubectl wait --for=condition=PolicyLoaded bes/{metadata['name']}`"
    raise InputError(f"the canary is not promoted: {fault}; mend or wait for that ({wait}), or roll it back.")


def _patch(policy: Mapping[str, Any], bundle: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the merge patch to a bundle; a source that it does not have is taken out by name."""
    whole = None if bundle is None else {source: bundle.get(source) for source in SOURCES}
    former = json.dumps(policy.get("bundle"), sort_keys=True)
    return {
        "metadata": {"annotations": {PREVIOUS: former}},
        "spec": {"policy": {"bundle": whole, "canary": None}},
    }


def _text(bundle: Mapping[str, Any] | None) -> str:
    if not bundle:
        return "no bundle"
    source, inner = next(iter(bundle.items()))
    # The API server sorts fields; what a key or a path is in comes first.
    parts = sorted(inner.items(), key=lambda item: item[0] in ("key", "path")) if isinstance(inner, dict) else []
    return f"{source} {'/'.join(str(value) for _, value in parts) or inner}"


def _change(place: Place, name: str, change: Callable[[Mapping[str, Any]], Change]) -> None:
    typer.echo(f"{name}: {asyncio.run(_write(place, name, change))}")


async def _write(place: Place, name: str, change: Callable[[Mapping[str, Any]], Change]) -> str:
    async with reached(place) as cluster:
        service = await live_service(cluster, place, name)
        patch, sentence = change(service)
        # Only onto the very version that was judged.
        metadata = {key: service["metadata"][key] for key in ("namespace", "name", "resourceVersion")}
        await cluster.merge(SERVICE, patch | {"metadata": patch.get("metadata", {}) | metadata})
    return sentence
