"""A whole cluster inside fresh namespaces; none of it needs to be stopped, as it dies with the first process there."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from e2e.addresses import bring_up_network
from e2e.cluster_services import DNS_RIGHTS, start_dns, start_proxy
from e2e.control_plane import ControlPlane
from e2e.daemons import wait_until
from e2e.kubectl import Kubectl
from e2e.node import Node

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["start_cluster"]

GPUS = 6
PRODUCT = "NVIDIA-E2E"
# Fixed places outside the work folder that a kubelet, a CNI plugin or containerd writes to: empty ones of our own.
COVERED = ("/run", "/var/log", "/var/lib/cni", "/var/lib/kubelet")
READY_WITHIN_S = 60.0


def start_cluster(folder: Path, archives: Sequence[Path], *, nodes: int) -> Kubectl:
    """Start a cluster that is ready for pods; call it in namespaces of its own (network, mounts, processes).

    Raises:
        StartError: a part of it does not start.
    """
    logs = folder / "logs"
    logs.mkdir()
    _cover()
    bring_up_network(nodes)
    machines = [Node(index, folder / f"node-{index}", logs) for index in range(nodes)]
    for machine in machines:
        machine.start_containers()
    plane = ControlPlane(folder / "control-plane", logs, [machine.name for machine in machines])
    plane.start()
    kubectl = Kubectl(plane.kubeconfig("admin"))
    kubectl.apply(*DNS_RIGHTS)
    start_proxy(folder, logs, plane.kubeconfig("proxy"))
    start_dns(folder, logs, plane.kubeconfig("dns"))
    for machine in machines:
        machine.load(archives)
        machine.start_kubelet(plane.kubeconfig(machine.name))
    _await_nodes(kubectl, machines)
    return kubectl


def _cover() -> None:
    subprocess.run(["mount", "--make-rshared", "/"], check=True)
    for place in COVERED:
        subprocess.run(["mkdir", "-p", place], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "e2e", place], check=True)


def _await_nodes(kubectl: Kubectl, machines: Sequence[Node]) -> None:
    names = [machine.name for machine in machines]
    wait_until(lambda: len(kubectl.read("nodes")["items"]) == len(names), READY_WITHIN_S, lambda: "no node registered")
    kubectl.wait(["node", "--all"], "condition=Ready", READY_WITHIN_S)
    for name in names:
        kubectl("label", "node", name, f"nvidia.com/gpu.product={PRODUCT}")
        patch = f'[{{"op":"add","path":"/status/capacity/nvidia.com~1gpu","value":"{GPUS}"}}]'
        kubectl("patch", "node", name, "--subresource=status", "--type=json", "-p", patch)
