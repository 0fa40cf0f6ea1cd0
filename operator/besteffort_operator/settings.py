"""The command line of the operator, read into one value."""

from __future__ import annotations

import argparse
import os
import re
import socket
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Settings", "WebhookSettings", "read_settings"]

VERSION = version("besteffort")
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
LAST_PORT = 65_535
DAY_S = 86_400
EPILOG = """\
It waits for the API server and for the resource's definition, and says so. Of several replicas the one that holds the
lease acts; another takes over within 15 s. Nothing is kept anywhere but in the cluster: it may be killed at any time.
"""


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Where the webhook answers, and what it keeps in the cluster."""

    address: tuple[str, int]
    secret: str
    configuration: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator is told when it starts."""

    namespaces: tuple[str, ...]
    """Empty: all."""
    router_image: str
    metrics: tuple[str, int]
    webhook: WebhookSettings | None
    """None: no sidecars are injected."""
    lease_namespace: str
    lease_name: str
    leader_election: bool
    resync_s: float
    log_format: str
    kubeconfig: Path | None
    identity: str
    version: str = VERSION


def read_settings(words: Sequence[str] | None = None) -> Settings:
    """Read a command line; a wrong one, and --help, end the process."""
    found = _parser().parse_args(words)
    webhook = WebhookSettings(found.webhook, found.webhook_secret, found.webhook_configuration)
    return Settings(
        namespaces=tuple(dict.fromkeys(found.namespace)),
        router_image=found.router_image,
        metrics=found.metrics,
        webhook=webhook if found.webhook else None,
        lease_namespace=found.lease_namespace,
        lease_name=found.lease_name,
        leader_election=found.leader_election,
        resync_s=found.resync_s,
        log_format=found.log_format,
        kubeconfig=found.kubeconfig,
        # A container that restarts in its pod takes its own lease at once.
        identity=os.environ.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m besteffort_operator",
        description="Runs every BestEffortService of a cluster: Triton servers, routers, and what belongs to them.",
        epilog=EPILOG,
    )
    add, own = parser.add_argument, _own_namespace()
    add(
        "--namespace",
        type=_namespace,
        action="append",
        default=[],
        metavar="NAME",
        help="act in this one only (repeatable); default: all",
    )
    image = f"besteffort/router:{VERSION}"
    add("--router-image", default=image, metavar="IMAGE", help="image of the routers; default: %(default)s")
    metrics = "where /metrics, /healthz and /readyz answer, port 0: a free one; default: %(default)s"
    add("--metrics", type=_address, default="127.0.0.1:9091", metavar="HOST:PORT", help=metrics)
    _add_webhook(parser)
    lease = "namespace of the lease, which is the operator's own; default: %(default)s"
    add("--lease-namespace", type=_namespace, default=own, metavar="NAME", help=lease)
    name = "the lease that the acting replica holds; default: %(default)s"
    add("--lease-name", default="besteffort-operator", metavar="NAME", help=name)
    alone = "act without a lease: only where no second replica can ever run"
    add("--no-leader-election", dest="leader_election", action="store_false", help=alone)
    resync = "look at every service again after so long, whatever was heard; default: %(default).0f"
    add("--resync-s", type=_seconds, default=600.0, metavar="SECONDS", help=resync)
    add("--log-format", choices=("text", "json"), default="text", help="json: one object on each line; default: text")
    kubeconfig = "the cluster to act in; default: $KUBECONFIG, or else the one that this pod runs in"
    add("--kubeconfig", type=Path, default=_kubeconfig(), metavar="FILE", help=kubeconfig)
    add("--version", action="version", version=VERSION, help="print the version and end")
    return parser


def _add_webhook(parser: argparse.ArgumentParser) -> None:
    where = "where the webhook answers that injects routers into labelled pods; default: nowhere"
    parser.add_argument("--webhook", type=_address, metavar="HOST:PORT", help=where)
    kept = "Secret of its certificate, in the namespace of the lease; default: %(default)s"
    parser.add_argument("--webhook-secret", default="besteffort-webhook", metavar="NAME", help=kept)
    configuration = "MutatingWebhookConfiguration that is to trust it; default: %(default)s"
    parser.add_argument("--webhook-configuration", default="besteffort", metavar="NAME", help=configuration)


def _own_namespace() -> str:
    return POD_NAMESPACE.read_text().strip() if POD_NAMESPACE.exists() else "default"


def _kubeconfig() -> Path | None:
    named = os.environ.get("KUBECONFIG")
    return Path(named) if named else None


def _namespace(text: str) -> str:
    if not NAMESPACE.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a namespace; write lower-case letters, digits and inner dashes, at most 63"
        )
    return text


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not HOST:PORT; write for instance 0.0.0.0:9091")
    return host.strip("[]"), int(port)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= DAY_S:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from 1 to 86400")
    return seconds
