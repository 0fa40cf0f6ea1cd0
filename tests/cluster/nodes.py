"""Manifests of nodes that have GPUs, and of volumes that have space, in name only."""

from __future__ import annotations

from typing import Any

__all__ = ["gpu_nodes", "volumes"]

PRODUCT = "NVIDIA-A100-SXM4-80GB"
RESOURCES = {
    "cpu": "64",
    "memory": "512Gi",
    "ephemeral-storage": "1Ti",
    "pods": "500",
    "nvidia.com/gpu": "8",
    "nvidia.com/mig-1g.10gb": "7",
}


def gpu_nodes(count: int) -> list[dict[str, Any]]:
    """Return nodes `gpu-0`, `gpu-1`, ... in three zones, with eight GPUs each."""
    return [_gpu_node(f"gpu-{number}", f"zone-{'abc'[number % 3]}") for number in range(count)]


def volumes(count: int) -> list[dict[str, Any]]:
    """Return volumes of 1 TiB for claims that name no storage class."""
    spec = {
        "capacity": {"storage": "1Ti"},
        "accessModes": ["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany"],
        "hostPath": {"path": "/nowhere"},
    }
    names = [f"volume-{number}" for number in range(count)]
    return [
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec} for name in names
    ]


def _gpu_node(name: str, zone: str) -> dict[str, Any]:
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": zone,
        "nvidia.com/gpu.product": PRODUCT,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"capacity": RESOURCES, "allocatable": RESOURCES},
    }
