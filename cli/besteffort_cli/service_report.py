"""Pure: a live BestEffortService and the events around it -> a report for a person or a program."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from besteffort_cli.age import age
from besteffort_operator.reasons import EXPLANATIONS, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from rich.console import RenderableType

__all__ = ["Advice", "Event", "ServiceReport", "as_mapping", "lines", "report_of"]

EVENTS_SHOWN = 8
DIGEST_SHOWN = 12
GOOD_IF_FALSE = ("Degraded", "Progressing")


@dataclass(frozen=True)
class Advice:
    """What a reason means, and what to do about it."""

    reason: str
    meaning: str
    action: str


@dataclass(frozen=True)
class Event:
    """What happened to the service, or to a pod of it."""

    at: str
    type: str
    about: str
    reason: str
    message: str


@dataclass(frozen=True)
class ServiceReport:
    """How a service stands."""

    namespace: str
    name: str
    ready: bool
    seen: bool
    """The operator has looked at the present version of the resource."""
    status: Mapping[str, Any]
    advice: tuple[Advice, ...]
    events: tuple[Event, ...] | None
    """None: they may not be read."""


def report_of(service: Mapping[str, Any], events: Iterable[Mapping[str, Any]] | None) -> ServiceReport:
    """Return the report on a live service from all events of its namespace."""
    metadata, status = service["metadata"], service.get("status") or {}
    seen = status.get("observedGeneration", 0) >= metadata["generation"]
    conditions = status.get("conditions") or ()
    ready = any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)
    return ServiceReport(
        namespace=metadata["namespace"],
        name=metadata["name"],
        ready=ready and seen,
        seen=seen,
        status=status,
        advice=tuple(_advice(conditions)),
        events=None if events is None else tuple(_events(service, events)),
    )


def as_mapping(report: ServiceReport) -> dict[str, Any]:
    """Return the report as plain values."""
    return asdict(report)


def _advice(conditions: Sequence[Mapping[str, Any]]) -> Iterator[Advice]:
    """Yield what there is to know about reasons of conditions that are not as they should be, each once."""
    reasons = [found["reason"] for found in conditions if not _is_good(found)]
    for name in dict.fromkeys(reasons):
        # An operator of another version may know reasons that this command does not.
        if name in set(Reason) and (explanation := EXPLANATIONS[Reason(name)]).action:
            yield Advice(name, explanation.meaning, explanation.action)


def _is_good(condition: Mapping[str, Any]) -> bool:
    return bool(condition["status"] == ("False" if condition["type"] in GOOD_IF_FALSE else "True"))


def _events(service: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> list[Event]:
    """Return the last events about the service itself, and warnings about what belongs to it, oldest first."""
    uid, name = service["metadata"]["uid"], service["metadata"]["name"]
    prefixes = (f"{name}-triton", f"{name}-router")
    found = []
    for event in events:
        about = event["involvedObject"]
        mine = about.get("uid") == uid
        ours = event.get("type") == "Warning" and str(about.get("name", "")).startswith(prefixes)
        if mine or ours:
            whom = f"{about.get('kind', '')}/{about.get('name', '')}"
            message = " ".join(str(event.get("message", "")).split())
            found.append(Event(_time(event), event.get("type", ""), whom, event.get("reason", ""), message))
    return sorted(found, key=lambda event: event.at)[-EVENTS_SHOWN:]


def _time(event: Mapping[str, Any]) -> str:
    """Return when it happened last; who writes events fills in one field or another."""
    series = (event.get("series") or {}).get("lastObservedTime")
    moment = event.get("lastTimestamp") or series or event.get("eventTime") or event["metadata"]["creationTimestamp"]
    return str(moment)[:19] + "Z"


def lines(report: ServiceReport, now: datetime) -> Iterator[RenderableType]:
    """Yield the report for a terminal: ages instead of times, and each message in full only once."""
    yield _headline(report)
    if not report.seen:
        yield (
            "The operator has not looked at this version yet. If that lasts, is it running? "
            "kubectl get pods -A -l app.kubernetes.io/name=besteffort-operator"
        )
    for advice in report.advice:
        yield f"[bold]{advice.reason}[/]: {escape(advice.meaning)}\n  [bold]Do:[/] {escape(advice.action)}"
    status, said = report.status, dict[str, str]()
    if conditions := status.get("conditions"):
        rows = [_condition(found, now, said) for found in conditions]
        yield _table("Conditions", ("", "", "reason", "age", "why"), rows)
    if sizes := status.get("sizes"):
        rows = [
            (size["name"], f"{size['ready']}/{size['wanted']}", _once(size.get("message", ""), size["name"], said))
            for size in sizes
        ]
        yield _table("Sizes", ("", "ready", ""), rows)
    if policy := status.get("policy"):
        yield _policy(policy, now)
    if scaling := status.get("scaling"):
        rows = [
            (found["deployment"], f"{found['replicas']}/{found['wanted']}", _safe(found["reason"])) for found in scaling
        ]
        yield _table("Scaling", ("", "ready", "why"), rows)
    yield from _events_shown(report.events, now, said)


def _headline(report: ServiceReport) -> str:
    ready = next((found for found in report.status.get("conditions") or () if found["type"] == "Ready"), None)
    state = "[green]ready[/]" if report.ready else "[red]not ready[/]"
    why = f": {_safe(ready['message'])}" if ready else ""
    url = f"\nClients call {report.status['url']}" if report.status.get("url") else ""
    return f"[bold]{report.name}[/] in namespace {report.namespace} is {state}{why}{url}"


def _condition(found: Mapping[str, Any], now: datetime, said: dict[str, str]) -> tuple[str, ...]:
    waits = found["status"] == "Unknown" or found["type"] == "Progressing"
    colour = "green" if _is_good(found) else "yellow" if waits else "red"
    state = f"[{colour}]{found['status']}[/]"
    why = _once(found["message"], found["type"], said)
    # The first line of the report is the message of Ready.
    shown = "as above" if found["type"] == "Ready" else why
    return found["type"], state, found["reason"], age(found["lastTransitionTime"], now), shown


def _once(message: str, of: str, said: dict[str, str]) -> str:
    """Return a message, or whose message it repeats."""
    first = said.setdefault(message, of) if message else of
    return _safe(message) if first == of else f"as for {first}"


def _policy(policy: Mapping[str, Any], now: datetime) -> str:
    digest = f" {policy['digest'][:DIGEST_SHOWN]}" if policy.get("digest") else ""
    since = f" for {age(policy['loadedAt'], now)}" if policy.get("loadedAt") else ""
    mode, routers = policy.get("mode", ""), policy.get("routers", "")
    return f"[bold]Policy[/] {policy.get('kind', '')}{digest} in mode {mode} on {routers} routers{since}"


def _events_shown(events: tuple[Event, ...] | None, now: datetime, said: dict[str, str]) -> Iterator[RenderableType]:
    if events is None:
        yield "[bold]Events[/] may not be read by this user."
    elif events:
        yield _table("Events", ("", ""), [(age(event.at, now), _what(event, said)) for event in events])


def _what(event: Event, said: dict[str, str]) -> str:
    reason = f"[red]{event.reason}[/]" if event.type == "Warning" else event.reason
    whom = "" if event.about.startswith("BestEffortService/") else f" {event.about}"
    return f"{reason}{whom}: {_once(event.message, event.about, said)}"


def _safe(text: str) -> str:
    """Return what a server or a pod has said, without power over the terminal."""
    return escape("".join(letter if letter.isprintable() else " " for letter in text))


def _table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    header = any(headings)
    table = Table(title=title, title_justify="left", title_style="bold", show_header=header, box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
