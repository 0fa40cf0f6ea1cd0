"""Start a real Kubernetes API server, and what belongs to it, on loopback; nothing outlives this process.

An `ApiServer` stores and checks objects; a `ControlPlane` also runs controllers, the scheduler and nodes that have GPUs
in name only: kwok says of each pod there that it runs.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import secrets
import signal
import socket
import ssl
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from besteffort_cli.process import KeptProcess
from cluster import audit, binaries
from cluster.access import Cluster, write_kubeconfig
from cluster.errors import StartError
from cluster.nodes import gpu_nodes, volumes
from support.processes import below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ApiServer", "ControlPlane"]

USERS = {"admin": "system:masters", "controllers": "system:masters", "operator": "", "nobody": ""}
"""Who has a token from the start, and in which group."""
STAGES = Path(__file__).with_name("stages.yaml")
READY_S = 60.0
VOLUMES = 16


class ApiServer(Cluster):
    """etcd and kube-apiserver; ready once made. Use it as a context, or call `close`."""

    def __init__(self, flags: Sequence[str] = ()) -> None:
        self._flags = flags
        self._programs: dict[str, KeptProcess] = {}
        self._tokens = {user: secrets.token_hex(16) for user in USERS}
        self._etcd_port, self._etcd_peer_port, self._port = (_free_port() for _ in range(3))
        super().__init__(self.folder / "admin.kubeconfig")
        try:
            self._write_files()
            self._start_etcd()
            self.start_api()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """The API server's address."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def audit_log(self) -> Path:
        """Every answered call as a line of JSON, without reads by controllers."""
        return self.folder / "audit.log"

    def calls(self) -> list[audit.Call]:
        """Return the calls for resources so far, oldest first, without reads by controllers."""
        return list(audit.calls(self.audit_log))

    def kubeconfig_for(self, user: str) -> Path:
        """Write a kubeconfig for one of USERS; all but `admin` and `controllers` have no rights but those given."""
        authority = base64.b64encode((self.folder / "apiserver.crt").read_bytes()).decode()
        cluster = {"server": self.url, "certificate-authority-data": authority}
        return write_kubeconfig(self.folder / f"{user}.kubeconfig", cluster, self._tokens[user])

    def start_api(self) -> None:
        """Start the API server, at the address that it had, and wait until it is ready."""
        folder = self.folder
        self._start(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--cert-dir={folder}",
            "--endpoint-reconciler-type=none",
            f"--token-auth-file={folder / 'tokens.csv'}",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder / 'accounts.key'}",
            f"--service-account-signing-key-file={folder / 'accounts.key'}",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--allow-privileged=true",
            # The controller that takes this taint away is not run: see ControlPlane.
            "--disable-admission-plugins=TaintNodesByCondition",
            "--feature-gates=ImageVolume=true",  # on by default from 1.35
            f"--audit-policy-file={folder / 'audit-policy.json'}",
            f"--audit-log-path={self.audit_log}",
            *self._flags,
        )
        self._wait_until_ready()
        self.kubeconfig_for("admin")

    def stop_api(self) -> None:
        """Stop the API server and wait until it is gone; connections are refused from then on."""
        self._stop("kube-apiserver")

    def restart_etcd(self) -> None:
        """Kill etcd and start it on the same data; a polite stop would wait for the API server to let go."""
        self.kill("etcd")
        self._start_etcd()
        self._wait_until_ready()

    def kill(self, program: str) -> None:
        """Kill a program as a crash does, and wait until it is gone; `start_api` or `restart_etcd` bring it back."""
        self._signal(program, signal.SIGKILL)
        self._stop(program)

    @contextlib.contextmanager
    def paused(self, program: str = "kube-apiserver") -> Iterator[None]:
        """Let a program hang: connections stay open and nothing answers."""
        self._signal(program, signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(program, signal.SIGCONT)

    def close(self) -> None:
        """Stop everything and remove its files."""
        for program in self._programs.values():
            program.ask_to_stop()
        for name in list(self._programs):
            self._stop(name)
        super().close()

    def _write_files(self) -> None:
        rows = [f'{self._tokens[user]},{user},{user},"{group}"' for user, group in USERS.items()]
        (self.folder / "tokens.csv").write_text("\n".join(rows) + "\n")
        (self.folder / "audit-policy.json").write_text(json.dumps(audit.POLICY))
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        (self.folder / "accounts.key").write_bytes(pem)

    def _start_etcd(self) -> None:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self._etcd_port, self._etcd_peer_port))
        self._start(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--log-level=warn",
        )

    def _start(self, name: str, *flags: str) -> None:
        """Start a program; its output goes to a log of its name."""
        assert name not in self._programs, f"{name} runs already"
        self._programs[name] = KeptProcess([str(binaries.path(name)), *flags], log=self.folder / f"{name}.log")

    def _stop(self, name: str) -> None:
        self._programs.pop(name).stop()

    def _signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a program itself, past the keeper that looks after it."""
        for process in below(self._programs[name]._popen.pid):
            os.kill(process, number)

    def _wait_until_ready(self) -> None:
        give_up_at = time.monotonic() + READY_S
        while not self._ready():
            for name, program in self._programs.items():
                if program.exit_code() is not None or time.monotonic() > give_up_at:
                    raise StartError(f"{name} did not become ready: {_last_line(self.folder / f'{name}.log')}")
            time.sleep(0.05)

    def _ready(self) -> bool:
        request = urllib.request.Request(f"{self.url}/readyz")
        request.add_header("Authorization", f"Bearer {self._tokens['admin']}")
        with contextlib.suppress(OSError):
            context = ssl.create_default_context(cafile=self.folder / "apiserver.crt")
            with urllib.request.urlopen(request, timeout=5, context=context) as answer:
                return bool(answer.status == 200)
        return False


class ControlPlane(ApiServer):
    """An API server with controllers, scheduler and nodes of eight GPUs each, on which pods count as running."""

    def __init__(self, nodes: int = 8, flags: Sequence[str] = ()) -> None:
        super().__init__(flags)
        self.nodes = nodes
        try:
            self.start_controllers()
            self.apply(*gpu_nodes(nodes), *volumes(VOLUMES))
        except BaseException:
            self.close()
            raise

    def start_controllers(self) -> None:
        """Start what acts on objects, fast enough for hundreds of services."""
        kubeconfig = self.kubeconfig_for("controllers")
        alone = (f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0")
        fast = ("--kube-api-qps=1000", "--kube-api-burst=2000")
        busy = ("deployment", "replicaset", "gc", "namespace", "service-endpoint")
        self._start("kube-scheduler", *alone, *fast)
        self._start(
            "kube-controller-manager",
            *alone,
            *fast,
            *(f"--concurrent-{controller}-syncs=20" for controller in busy),
            # Nodes here are healthy: a busy test machine must not have them evicted. Endpoints may not be on loopback.
            "--controllers=*,-node-lifecycle-controller,-endpoints-controller,-endpointslice-controller",
            f"--service-account-private-key-file={self.folder / 'accounts.key'}",
            f"--root-ca-file={self.folder / 'apiserver.crt'}",
        )
        self._start(
            "kwok",
            f"--kubeconfig={kubeconfig}",
            f"--config={STAGES}",
            "--manage-all-nodes",
            # Loopback: whoever calls such a pod is refused at once, and nothing leaves this machine.
            "--node-ip=127.65.0.1",
            "--cidr=127.64.0.1/16",
        )


def _free_port() -> int:
    """Return a port that is free and that no outgoing connection takes, so that a restart finds it free again."""
    while True:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return lines[-1] if lines else "it wrote nothing"
