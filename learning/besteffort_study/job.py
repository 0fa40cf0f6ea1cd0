"""A study as an indexed Job of Kubernetes: pod i plays shard i of n into a folder that all pods share. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["ClusterRun", "build_job"]

USER = 1000
FOLDER = "/study"
ATTEMPTS = 3
"""How often a shard is begun again; it goes on where the last attempt ended."""
INDEX = "JOB_COMPLETION_INDEX"


@dataclass(frozen=True, slots=True)
class ClusterRun:
    """What a cluster needs to know to play a study."""

    name: str
    image: str
    """With `besteffort` on its path, of the very version that asks: other cells are not used."""
    claim: str
    """The PersistentVolumeClaim, ReadWriteMany unless all pods are on one node."""
    shards: int
    words: tuple[str, ...]
    """Of `besteffort evaluate`: the study and what else says what is played."""


def build_job(run: ClusterRun) -> dict[str, Any]:
    """Return the Job; its pods keep the restricted Pod Security profile and have no access to the API."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": run.name, "labels": {"app.kubernetes.io/name": run.name}},
        "spec": {
            "completionMode": "Indexed",
            "completions": run.shards,
            "parallelism": run.shards,
            "backoffLimitPerIndex": ATTEMPTS,
            "template": {"metadata": {"labels": {"app.kubernetes.io/name": run.name}}, "spec": _pod(run)},
        },
    }


def _pod(run: ClusterRun) -> dict[str, Any]:
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(run)],
        "volumes": [
            {"name": "study", "persistentVolumeClaim": {"claimName": run.claim}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }


def _container(run: ClusterRun) -> dict[str, Any]:
    index = {"fieldRef": {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}
    played = ["--out", FOLDER, "--processes", "1", "--shard", f"$({INDEX})/{run.shards}"]
    return {
        "name": "evaluate",
        "image": run.image,
        "command": ["besteffort", "evaluate", *run.words, *played],
        "env": [{"name": INDEX, "valueFrom": index}, {"name": "HOME", "value": "/tmp"}],  # noqa: S108 - the pod's own
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "4Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "study", "mountPath": FOLDER}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }
