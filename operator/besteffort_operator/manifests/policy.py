"""The policy bundle inside a router's container: the volume that brings it, and its path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_operator.manifests.pod import Volume

if TYPE_CHECKING:
    from besteffort_resource.policy import Bundle

__all__ = ["bundle_path", "bundle_volumes"]

FOLDER = "/etc/besteffort/policy"


def bundle_path(bundle: Bundle | None) -> str:
    """Return where a router reads the bundle; empty: there is none."""
    if bundle is None:
        return ""
    if bundle.config_map_ref:
        return f"{FOLDER}/{bundle.config_map_ref.key}"
    file = bundle.pvc or bundle.oci
    return f"{FOLDER}/{file.path}" if file else bundle.path or ""


def bundle_volumes(bundle: Bundle | None) -> tuple[Volume, ...]:
    """Return the volume that brings the bundle, if any does."""
    if bundle is None:
        return ()
    if bundle.config_map_ref:
        # Optional: without its bundle a router starts, and its fallback rules.
        source = {"configMap": {"name": bundle.config_map_ref.name, "optional": True}}
    elif bundle.pvc:
        source = {"persistentVolumeClaim": {"claimName": bundle.pvc.claim_name, "readOnly": True}}
    elif bundle.oci:
        source = {"image": {"reference": bundle.oci.image, "pullPolicy": "IfNotPresent"}}
    else:
        return ()
    return (Volume("policy", source, FOLDER),)
