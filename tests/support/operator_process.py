"""The operator as a real process, with the rights that manifests/install.yaml gives it and no others."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import yaml

from besteffort_operator.errors import NotFoundError
from cluster.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from besteffort_operator.kinds import Kind
    from cluster.access import Cluster

ROOT = Path(__file__).parents[2]
NAMESPACE = "besteffort-system"
LEASE_NAME = "besteffort"  # the one that install.yaml gives rights to
RIGHTS = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
START_S = 60.0
Found = TypeVar("Found")


class Operator:
    """`python -m besteffort_operator`; `kill` it as a crash would, or `stop` it as Kubernetes does."""

    def __init__(self, kubeconfig: Path, log: Path, *flags: str, name: str = "operator") -> None:
        self.name = name
        self.log = log
        where = ("--kubeconfig", str(kubeconfig), "--metrics", "127.0.0.1:0")
        lease = (
            "--lease-namespace",
            NAMESPACE,
            "--lease-name",
            LEASE_NAME,
        )  # the one that install.yaml gives rights to
        command = [sys.executable, "-m", "besteffort_operator", *where, *lease, "--log-format", "json", *flags]
        self._begins_at = log.stat().st_size if log.exists() else 0
        with log.open("a") as stream:
            environment = os.environ | {"POD_NAME": name}
            self._process = subprocess.Popen(command, stderr=stream, env=environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def kill(self) -> None:
        """End it at once, whatever it is at."""
        self._process.kill()
        self._process.wait()

    def hold_up(self) -> None:
        """Let it stand still, as on a machine that is out of memory."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """End `hold_up`."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """Ask it to end; return its exit status."""
        self._process.terminate()
        return self._process.wait(timeout=30)

    @property
    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def messages(self) -> list[str]:
        """Return what it has logged."""
        with self.log.open() as stream:
            stream.seek(self._begins_at)
            lines = stream.read().splitlines(keepends=True)
        return [json.loads(line)["message"] for line in lines if line.startswith("{") and line.endswith("}\n")]

    def wait_until_logged(self, pattern: str, timeout_s: float = START_S) -> str:
        """Return the first message that matches."""
        return wait_for(
            lambda: next((m for m in self.messages() if re.search(pattern, m)), None),
            f"{pattern} in {self.log}",
            timeout_s,
        )

    def page(self, path: str = "/metrics") -> str:
        """Return one of its pages."""
        address = self.wait_until_logged("metrics at").rpartition(" ")[2]
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def metric(self, name: str) -> float:
        """Return the sum of a metric over its labels."""
        return sum(float(found) for found in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", self.page(), re.MULTILINE))

    @property
    def peak_rss_mb(self) -> float:
        """Most resident memory so far."""
        found = re.search(r"VmHWM:\s+(\d+) kB", self._proc("status"))
        assert found
        return int(found[1]) * 1024 / 1e6

    @property
    def cpu_s(self) -> float:
        """Processor time so far."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self._process.pid}/{name}").read_text()


def wait_for(ask: Callable[[], Found | None], what: str, timeout_s: float = 30.0) -> Found:
    """Return the first answer that is not None."""
    give_up_at = time.monotonic() + timeout_s
    while (found := ask()) is None:
        assert time.monotonic() < give_up_at, f"waited {timeout_s:.0f} s for {what}"
        time.sleep(0.05)
    return found


async def until(ask: Callable[[], Awaitable[Found]], what: str, timeout_s: float = 30.0) -> Found:
    """Return the first truthy answer; an object that is not there is none."""
    give_up_at = time.monotonic() + timeout_s
    while True:
        with suppress(NotFoundError):
            if found := await ask():
                return found
        assert time.monotonic() < give_up_at, f"waited {timeout_s:.0f} s for {what}"
        await asyncio.sleep(0.05)


def install(cluster: Cluster, *accounts: str) -> list[Path]:
    """Define the resource, give accounts the operator's rights, and return a kubeconfig for each."""
    names = accounts or ("operator",)
    _apply(cluster, "-f", str(ROOT / "manifests" / "crd.yaml"))
    wait_for(lambda: _served(cluster), "the definition to be served")
    head = {"apiVersion": "v1"}
    items = [
        head | {"kind": "Namespace", "metadata": {"name": NAMESPACE}},
        *(head | {"kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}} for name in names),
        *rights(names),
    ]
    _apply(cluster, "-f", "-", input=json.dumps(head | {"kind": "List", "items": items}))
    return [cluster.kubeconfig_of(name, NAMESPACE) for name in names]


def _apply(cluster: Cluster, *arguments: str, **more: str) -> None:
    cluster.kubectl("apply", "--server-side", "--force-conflicts", *arguments, **more)


def _served(cluster: Cluster) -> bool | None:
    with suppress(CommandError):
        return bool(cluster.get("besteffortservices"))
    return None


def rights(accounts: Iterable[str]) -> list[dict[str, Any]]:
    """Return the roles of manifests/install.yaml, bound to accounts."""
    text = (ROOT / "manifests" / "install.yaml").read_text()
    found = [manifest for manifest in yaml.safe_load_all(text) if manifest and manifest["kind"] in RIGHTS]
    subjects = [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE} for name in accounts]
    return [manifest | ({"subjects": subjects} if "subjects" in manifest else {}) for manifest in found]


def resource(name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    """Return a BestEffortService of two measured sizes that needs no GPU; `spec` as in YAML."""
    return {
        "apiVersion": "serving.besteffort.dev/v1alpha1",
        "kind": "BestEffortService",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"sizes": measured("small", "large")} | spec,
    }


def measured(*names: str) -> list[dict[str, Any]]:
    """Return sizes that need no profile."""
    return [
        {
            "name": size,
            "quality": {"default": f"0.{number}"},
            "latency": [{"batch": 1, "seconds": f"0.0{number}"}],
            "model": {"repository": {"uri": "s3://models/opt", "name": size}},
        }
        for number, size in enumerate(names, start=1)
    ]


def every_kind() -> dict[str, Any]:
    """Return a spec with a child of every kind: a claim for a hub's models, scaling by KEDA and by an HPA."""
    (size,) = measured("small")
    hub = {"id": "facebook/opt-125m", "revision": "27dcfa74d334bc871f3234de431e71c6eeba5dd6"}
    return {
        "sizes": [size | {"model": {"huggingFace": hub}}],
        "placement": {"scaling": {"maxReplicas": 3, "engine": "KEDA"}},
        "router": {"scaling": {"maxReplicas": 3}},
        "triton": {"cache": {"size": "1Gi"}},
    }


def add_on(kind: Kind) -> dict[str, Any]:
    """Return a definition of an add-on's kind that takes any object."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": kind.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "names": {"kind": kind.kind, "listKind": f"{kind.kind}List", "plural": kind.plural},
            "scope": "Namespaced",
            "versions": [version],
        },
    }
