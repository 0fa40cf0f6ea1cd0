"""Where everything is inside the network namespace of the cluster."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["API", "CLUSTER_DOMAIN", "DNS", "PODS", "SERVICES", "bring_up_network", "node_address", "pod_range"]

GATEWAY = "192.0.2.1"
"""Of a default route that leads nowhere: kubelet and others take the interface that has one."""
API = "192.0.2.2"
DNS = "192.0.2.3"
SERVICES = "10.96.0.0/16"
PODS = "10.244.0.0/16"
CLUSTER_DOMAIN = "cluster.local"
FIRST_NODE = 10
SETTINGS = {"ipv4/ip_forward": "1", "ipv4/conf/all/rp_filter": "0", "bridge/bridge-nf-call-iptables": "1"}


def node_address(index: int) -> str:
    """Return the address of a node, numbered from 0."""
    return f"192.0.2.{FIRST_NODE + index}"


def pod_range(index: int) -> str:
    """Return the addresses of a node's pods."""
    return f"10.244.{index}.0/24"


def bring_up_network(nodes: int) -> None:
    """Make the one interface of this namespace, with all addresses that are not pods' or Services'."""
    addresses = (API, DNS, *map(node_address, range(nodes)))
    for words in (
        "link set lo up",
        "link add name node0 type bridge",
        *(f"address add {address}/24 dev node0" for address in addresses),
        "link set node0 up",
        f"route add default via {GATEWAY} dev node0",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    for name, value in SETTINGS.items():
        setting = Path("/proc/sys/net") / name
        if setting.exists():
            setting.write_text(value)
