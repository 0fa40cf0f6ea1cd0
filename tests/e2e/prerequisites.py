"""Whether this machine can run a node of its own, and what is installed for that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from cluster.binaries import path
from cluster.errors import ClusterError

__all__ = ["announce", "check", "install"]

PROGRAMS = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "ethtool": "ethtool",
    "socat": "socat",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
}
PLUGINS = ("containernetworking-plugins", ("/usr/lib/cni/bridge", "/opt/cni/bin/bridge"))
BUILT = ("etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager", "kubectl", "kubelet", "kube-proxy")
ADDED = ("coredns", "helm")


def check() -> None:
    """Refuse a machine that cannot do it.

    Raises:
        ClusterError: one sentence says why.
    """
    otherwise = "or give a cluster with --kubeconfig FILE"
    if sys.platform != "linux":
        raise ClusterError(
            f"make e2e starts a Kubernetes node and needs Linux, not {sys.platform}: use one, {otherwise}."
        )
    if os.geteuid() != 0:
        raise ClusterError(f"make e2e starts a Kubernetes node and needs root: run it as root, {otherwise}.")
    if not shutil.which("apt-get"):
        raise ClusterError(
            f"make e2e installs containerd and others by apt-get, which is not here: use Debian, {otherwise}."
        )
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "true"], capture_output=True, check=False
    )
    if tried.returncode:
        raise ClusterError(
            f"make e2e needs namespaces of its own, and unshare is refused here: use a virtual machine, {otherwise}."
        )


def announce() -> None:
    """Say what is going to happen before it does."""
    packages = _missing()
    print(
        "make e2e runs as root: a real Kubernetes node in network, mount and process namespaces of its own.\n"
        f"It installs {', '.join(packages) if packages else 'nothing (all packages are here)'},\n"
        "builds Kubernetes' programs with Go into the user's cache, and images into .besteffort/e2e.\n"
        "Processes, mounts, interfaces and firewall rules go with it, also after Ctrl-C or SIGTERM.",
        flush=True,
    )


def install() -> None:
    """Install what is missing.

    Raises:
        ClusterError: a package or a program is not to be had.
    """
    if packages := _missing():
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            done = subprocess.run(
                ["apt-get", "--quiet", *words], env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
                raise ClusterError(f"apt-get {words[0]} failed ({last}): install {', '.join(packages)} yourself.")
    for program in (*BUILT, *ADDED):
        path(program)


def _missing() -> list[str]:
    missing = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    package, places = PLUGINS
    return missing if any(map(os.path.exists, places)) else [*missing, package]
