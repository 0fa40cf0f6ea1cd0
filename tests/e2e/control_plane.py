"""etcd, API server, scheduler and controller manager, as a node needs them: reached from pods, with real identities."""

from __future__ import annotations

import json
import os
import secrets
import ssl
import urllib.request
from typing import TYPE_CHECKING
from urllib.error import URLError

from cluster.binaries import path
from e2e.addresses import API, PODS, SERVICES
from e2e.certificates import write_certificates
from e2e.daemons import Daemon

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ControlPlane"]

FIRST_SERVICE = "10.96.0.1"
READY_WITHIN_S = 90.0
USERS = {
    "admin": ("admin", "system:masters"),
    "scheduler": ("system:kube-scheduler", ""),
    "controller-manager": ("system:kube-controller-manager", ""),
    "proxy": ("system:kube-proxy", ""),
    "dns": ("besteffort:dns", ""),
}


class ControlPlane:
    """Entering is not needed: it dies with its process namespace."""

    def __init__(self, folder: Path, logs: Path, nodes: list[str]) -> None:
        self._folder = folder
        self._logs = logs
        self._tokens = {user: secrets.token_hex(16) for user in (*USERS, *nodes)}
        folder.mkdir()
        write_certificates(folder, (API, "127.0.0.1", FIRST_SERVICE))
        self._write_tokens(nodes)

    def start(self) -> None:
        """Start all four; return when the API server is ready.

        Raises:
            StartError: it is not.
        """
        etcd = ("--data-dir", self._folder / "etcd", "--unsafe-no-fsync", "--log-level", "warn")
        self._daemon("etcd", *etcd)
        server = self._daemon("kube-apiserver", *self._api_flags())
        server.wait_until(self._is_ready, READY_WITHIN_S)
        self._daemon("kube-scheduler", "--kubeconfig", self.kubeconfig("scheduler"), "--leader-elect=false")
        self._daemon("kube-controller-manager", *self._controller_flags())

    def kubeconfig(self, user: str) -> Path:
        """Return a kubeconfig of one user: "admin", a node, or a component."""
        file = self._folder / f"{user}.kubeconfig"
        cluster = {"server": f"https://{API}:6443", "certificate-authority": str(self._folder / "ca.crt")}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "e2e", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self._tokens[user]}}],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": user}}],
            "current-context": "e2e",
        }
        file.write_text(json.dumps(content))
        return file

    def _daemon(self, program: str, *flags: object) -> Daemon:
        return Daemon(program, [path(program), *flags], logs=self._logs)

    def _write_tokens(self, nodes: list[str]) -> None:
        users = USERS | {node: (f"system:node:{node}", "system:nodes") for node in nodes}
        lines = [f'{self._tokens[user]},{name},{user},"{group}"\n' for user, (name, group) in users.items()]
        (self._folder / "tokens.csv").write_text("".join(lines))

    def _api_flags(self) -> list[str]:
        folder = self._folder
        return [
            "--etcd-servers=http://127.0.0.1:2379",
            f"--advertise-address={API}",
            f"--service-cluster-ip-range={SERVICES}",
            f"--tls-cert-file={folder / 'server.crt'}",
            f"--tls-private-key-file={folder / 'server.key'}",
            f"--token-auth-file={folder / 'tokens.csv'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder / 'sa.key'}",
            f"--service-account-signing-key-file={folder / 'sa.key'}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--kubelet-preferred-address-types=InternalIP",
            "--allow-privileged",
        ]

    def _controller_flags(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig('controller-manager')}",
            f"--root-ca-file={self._folder / 'ca.crt'}",
            f"--service-account-private-key-file={self._folder / 'sa.key'}",
            "--use-service-account-credentials",
            f"--cluster-cidr={PODS}",
            "--leader-elect=false",
        ]

    def _is_ready(self) -> bool:
        request = urllib.request.Request(f"https://{API}:6443/readyz")
        request.add_header("Authorization", f"Bearer {self._tokens['admin']}")
        context = ssl.create_default_context(cafile=os.fspath(self._folder / "ca.crt"))
        try:
            with urllib.request.urlopen(request, timeout=2, context=context) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False
