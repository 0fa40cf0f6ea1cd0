"""What turns nodes into a cluster: Services (kube-proxy) and names (CoreDNS)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cluster.binaries import path
from e2e.addresses import API, CLUSTER_DOMAIN, DNS, PODS
from e2e.daemons import Daemon

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DNS_RIGHTS", "start_dns", "start_proxy"]

# As kubeadm writes it: names are up to 30 s old.
COREFILE = """
.:53 {{
    bind {dns}
    errors
    health {dns}:8080
    ready {dns}:8181
    kubernetes {domain} in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig} e2e
        pods insecure
        ttl 30
    }}
    cache 30 {{
        disable success {domain}
        disable denial {domain}
    }}
}}
"""
DNS_RIGHTS = [
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "besteffort-e2e-dns"},
        "rules": [
            {
                "apiGroups": [""],
                "resources": ["services", "pods", "namespaces", "endpoints"],
                "verbs": ["list", "watch"],
            },
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
        ],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "besteffort-e2e-dns"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "besteffort-e2e-dns"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "besteffort:dns"}],
    },
]


def start_proxy(folder: Path, logs: Path, kubeconfig: Path) -> None:
    """Start kube-proxy: one for all nodes, which share this network namespace."""
    config = folder / "kube-proxy.json"
    content = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": PODS,
        "hostnameOverride": "node-0",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "healthzBindAddress": f"{API}:10256",
        "metricsBindAddress": f"{API}:10249",
    }
    config.write_text(json.dumps(content))
    Daemon("kube-proxy", [path("kube-proxy"), f"--config={config}"], logs=logs)


def start_dns(folder: Path, logs: Path, kubeconfig: Path) -> None:
    """Start CoreDNS on the address that kubelets give to pods."""
    config = folder / "Corefile"
    config.write_text(COREFILE.format(dns=DNS, domain=CLUSTER_DOMAIN, kubeconfig=kubeconfig))
    Daemon("coredns", [path("coredns"), "-conf", config], logs=logs)
