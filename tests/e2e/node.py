"""One node: a containerd and a kubelet of its own, that share the machine's kernel with the other nodes."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

from cluster.binaries import path
from cluster.errors import CommandError
from e2e.addresses import CLUSTER_DOMAIN, DNS, node_address, pod_range
from e2e.daemons import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["PAUSE", "Node"]

PAUSE = "localhost/besteffort-pause:e2e"
BUILT, NEXT = ":e2e", ":next"
CNI_PLUGINS = ("/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni")
STARTS_WITHIN_S = 30.0


class Node:
    """Nodes are numbered from 0; ports differ because all nodes are on one machine."""

    def __init__(self, index: int, folder: Path, logs: Path) -> None:
        self.index = index
        self.name = f"node-{index}"
        self._folder = folder
        self._logs = logs
        self._socket = folder / "containerd.sock"
        for place in (folder, folder / "cni", folder / "pods"):
            place.mkdir()

    def start_containers(self) -> None:
        """Start containerd.

        Raises:
            StartError: it does not answer.
        """
        (self._folder / "cni" / "10-bridge.conflist").write_text(json.dumps(self._network()))
        config = self._folder / "containerd.toml"
        config.write_text(self._containerd_config())
        daemon = Daemon(f"containerd-{self.index}", ["containerd", "--config", config], logs=self._logs)
        daemon.wait_until(lambda: self._ctr("version").returncode == 0, STARTS_WITHIN_S)

    def load(self, archives: Iterable[Path]) -> None:
        """Import images, each under a second tag too: what a rollout changes to."""
        for archive in archives:
            self._images("import", str(archive))
        for tag in self._images("list", "--quiet").split():
            if tag.endswith(BUILT):
                self._images("tag", tag, tag.removesuffix(BUILT) + NEXT)

    def _images(self, *words: str) -> str:
        done = self._ctr("--namespace", "k8s.io", "images", *words)
        if done.returncode:
            raise CommandError(f"images {' '.join(words)}: {done.stderr}")
        return done.stdout

    def start_kubelet(self, kubeconfig: Path) -> None:
        """Start the kubelet; the node becomes Ready a few seconds later."""
        config = self._folder / "kubelet.json"
        config.write_text(json.dumps(self._kubelet_config()))
        (self._folder / "resolv.conf").write_text(f"nameserver {DNS}\n")
        flags = {
            "config": config,
            "kubeconfig": kubeconfig,
            "hostname-override": self.name,
            "node-ip": node_address(self.index),
            "root-dir": self._folder / "kubelet",
        }
        words = [path("kubelet"), *(f"--{name}={value}" for name, value in flags.items())]
        Daemon(f"kubelet-{self.index}", words, logs=self._logs)

    def _ctr(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["ctr", "--address", str(self._socket), *words], capture_output=True, text=True, check=False
        )

    def _network(self) -> dict[str, object]:
        ipam = {
            "type": "host-local",
            "ranges": [[{"subnet": pod_range(self.index)}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(self._folder / "ipam"),
        }
        bridge = {"type": "bridge", "bridge": f"pods{self.index}", "isGateway": True, "hairpinMode": True, "ipam": ipam}
        return {
            "cniVersion": "1.0.0",
            "name": "pods",
            "plugins": [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}],
        }

    def _containerd_config(self) -> str:
        plugins = next(place for place in CNI_PLUGINS if shutil.which("bridge", path=place))
        # Without restrict_oom_score_adj no pod starts where root lacks CAP_SYS_RESOURCE.
        return f"""
version = 2
root = "{self._folder / "containerd"}"
state = "{self._folder / "state"}"
[grpc]
address = "{self._socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
restrict_oom_score_adj = true
disable_tcp_service = true
stream_server_port = "0"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{self._folder / "cni"}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""

    def _kubelet_config(self) -> dict[str, object]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": f"unix://{self._socket}",
            "address": node_address(self.index),
            "port": 10250,
            "healthzBindAddress": node_address(self.index),
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "clusterDNS": [DNS],
            "clusterDomain": CLUSTER_DOMAIN,
            "resolvConf": str(self._folder / "resolv.conf"),
            "podLogsDir": str(self._folder / "pods"),
            "volumePluginDir": str(self._folder / "volume-plugins"),
            "cgroupDriver": "cgroupfs",
            "cgroupsPerQOS": False,
            "enforceNodeAllocatable": [],
            "failCgroupV1": False,
            "failSwapOn": False,
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%", "nodefs.inodesFree": "1%"},
        }
