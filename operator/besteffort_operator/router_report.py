"""What a router says about itself at /status, as plain frozen values. Parses; asks nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf import json_format

from besteffort.v1 import status_pb2
from besteffort_operator.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["BackendReport", "Heard", "PolicyReport", "Report", "RouterAddress", "parse_report"]


WORD_SHOWN = 64
ERROR_SHOWN = 400
LAST_S = 253402300799.0
"""The end of the year 9999."""


@dataclass(frozen=True)
class RouterAddress:
    """A router pod, and where its status page is."""

    namespace: str
    service: str
    pod: str
    address: str
    """host:port of the status page."""
    canary: bool = False
    """It runs the bundle of `policy.canary`."""
    eager: bool = False
    """Its service is scaling or not ready: ask often."""


@dataclass(frozen=True)
class PolicyReport:
    """The policy in force; `digest` is empty where no bundle is used, `error` says why one is not."""

    kind: str = ""
    mode: str = ""
    digest: str = ""
    loaded_at_s: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class BackendReport:
    """One size on one server: whether it takes requests, and the seconds of work that wait there."""

    size: str
    replica: str
    ready: bool
    backlog_s: float


@dataclass(frozen=True)
class Report:
    """One status page."""

    config_digest: str = ""
    policy: PolicyReport = PolicyReport()
    backends: tuple[BackendReport, ...] = ()


@dataclass(frozen=True)
class Heard:
    """The newest report of a router, None if it never answered; `age_s` counts from when it came."""

    router: RouterAddress
    report: Report | None = None
    age_s: float = 0.0


def parse_report(data: bytes) -> Report:
    """Read a status page, protobuf JSON of besteffort.v1.RouterStatus; fields of a newer router are passed over.

    Raises:
        ReportError: it is something else.
    """
    try:
        message = json_format.Parse(data, status_pb2.RouterStatus(), ignore_unknown_fields=True)
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise ReportError(f"not the JSON of a RouterStatus ({' '.join(str(error).split())})") from error
    policy = message.policy
    if not policy.kind:
        raise ReportError("policy.kind is missing: not the status of a router")
    if not 0.0 <= policy.loaded_at_s <= LAST_S:
        raise ReportError(f"policy.loadedAtS: {policy.loaded_at_s:g} is no time")
    kind, mode, digest = (text[:WORD_SHOWN] for text in (policy.kind, policy.mode, policy.digest))
    return Report(
        config_digest=message.config_digest[:WORD_SHOWN],
        policy=PolicyReport(kind, mode, digest, policy.loaded_at_s, policy.error[:ERROR_SHOWN]),
        backends=tuple(_backends(message.backends)),
    )


def _backends(messages: Iterable[status_pb2.BackendStatus]) -> Iterable[BackendReport]:
    return (BackendReport(found.size, found.replica, found.ready, found.backlog_s) for found in messages)
