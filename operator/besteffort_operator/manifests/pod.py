"""A pod template under the restricted Pod Security profile, and the volumes that a container of it mounts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from besteffort_operator.manifests.overlay import overlaid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from besteffort_operator.manifests.context import Manifest

__all__ = ["RESTRICTED", "Volume", "http_probe", "pod_template", "scratch", "sleep_before_stop"]

USER = 1000

RESTRICTED: Manifest = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsGroup": USER,
    "runAsNonRoot": True,
    "runAsUser": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The security context of a container. It is complete: a router may be injected into a pod that says nothing."""


@dataclass(frozen=True)
class Volume:
    """A volume of a pod and where its container sees it."""

    name: str
    source: Manifest
    path: str
    read_only: bool = True

    @property
    def volume(self) -> Manifest:
        """Return it as an element of a pod's volumes."""
        return {"name": self.name, **self.source}

    @property
    def mount(self) -> Manifest:
        """Return it as an element of a container's volumeMounts."""
        return {"name": self.name, "mountPath": self.path} | ({"readOnly": True} if self.read_only else {})


def scratch(**limits: str) -> Volume:
    """Return a writable /tmp, which the read-only root lacks."""
    return Volume("tmp", {"emptyDir": dict(limits)}, "/tmp", read_only=False)  # noqa: S108  its own in each pod


def pod_template(
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    spec: Manifest,
    *,
    volumes: Sequence[Volume],
    overlay: Manifest | None,
) -> Manifest:
    """Return a restricted pod template with `spec`, and over it what the user wants; labels that select stay."""
    template: Manifest = {
        "metadata": ({"annotations": dict(annotations)} if annotations else {}) | {"labels": dict(labels)},
        "spec": {
            # A pod here calls no Kubernetes API, and finds its services by DNS.
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "fsGroup": USER,
                # Else the kubelet walks through a large cache at every start.
                "fsGroupChangePolicy": "OnRootMismatch",
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            **spec,
            "volumes": [volume.volume for volume in volumes],
        },
    }
    # The operator's labels and annotations last: by them pods are found.
    laid: Manifest = overlaid(overlaid(template, overlay or {}), {"metadata": template["metadata"]})
    return laid


def http_probe(path: str, port: str, *, period_s: int, failures: int, timeout_s: int = 3) -> Manifest:
    """Return a probe by HTTP GET on a named port."""
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period_s,
        "failureThreshold": failures,
        "timeoutSeconds": timeout_s,
    }


def sleep_before_stop(seconds: float) -> Manifest:
    """Return a container's lifecycle: while it sleeps it still answers, and clients learn that it leaves."""
    return {"preStop": {"sleep": {"seconds": max(1, math.ceil(seconds))}}}
