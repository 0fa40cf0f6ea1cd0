from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from besteffort_cli.service_report import EVENTS_SHOWN, as_mapping, lines, report_of

NOW = datetime(2026, 11, 21, 12, 3, 20, tzinfo=UTC)
SCHEDULER = "0/4 nodes are available: 4 Insufficient nvidia.com/gpu."


def condition(kind: str, status: str, reason: str, message: str = "why") -> dict[str, Any]:
    at = "2026-11-21T12:00:00Z"
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at}


def service(*conditions: dict[str, Any], observed: int = 2, **status: Any) -> dict[str, Any]:
    head = {"observedGeneration": observed, "conditions": list(conditions)}
    return {
        "metadata": {"name": "assistant", "namespace": "models", "uid": "u", "generation": 2},
        "status": head | status,
    }


def event(about: str, at: str, *, uid: str = "", kind: str = "Normal", message: str = "m") -> dict[str, Any]:
    return {
        "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
        "involvedObject": {"kind": "Pod", "name": about, "uid": uid},
        "type": kind,
        "reason": "R",
        "message": message,
        "lastTimestamp": at,
    }


def text(found: dict[str, Any], events: list[dict[str, Any]] | None = None, width: int = 200) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    with console.file:
        for line in lines(report_of(found, [] if events is None else events), NOW):
            console.print(line)
    return console.export_text()


SHORT = service(
    condition("Ready", "False", "Unschedulable", f"size small, 0 of 1 ready: {SCHEDULER}"),
    condition("SizesAvailable", "False", "Unschedulable"),
    condition("PolicyLoaded", "Unknown", "NoRouterAnswers"),
    condition("Progressing", "True", "Unschedulable"),
    condition("Degraded", "True", "Unschedulable"),
    url="assistant.models.svc:8001",
    sizes=[{"name": "small", "ready": 0, "wanted": 1, "message": SCHEDULER}],
    policy={"kind": "Learned", "mode": "Enforce", "digest": "ab" * 32, "routers": "0/2"},
    scaling=[{"deployment": "assistant-triton", "replicas": 0, "wanted": 2, "reason": "stays"}],
)


def test_the_first_line_says_what_is_missing() -> None:
    first = text(SHORT).splitlines()[0]
    assert first == f"assistant in namespace models is not ready: size small, 0 of 1 ready: {SCHEDULER}"


def test_each_reason_is_explained_once_with_what_to_do() -> None:
    shown = text(SHORT)
    assert shown.count("Unschedulable: No node takes the pod") == 1
    assert shown.count("Do: Free or add GPUs") == 1
    assert "NoRouterAnswers: No router tells" in shown


def test_sizes_policy_and_scaling_are_shown() -> None:
    shown = text(SHORT)
    assert "Policy Learned abababababab in mode Enforce on 0/2 routers" in shown
    assert "assistant-triton" in shown
    assert "Clients call assistant.models.svc:8001" in shown


def test_at_80_columns_a_condition_has_its_age_in_its_first_line() -> None:
    shown = text(SHORT, [event("assistant", "2026-11-21T12:01:00Z", uid="u")], width=80).splitlines()
    (row,) = (line.split() for line in shown if line.startswith("SizesAvailable"))
    assert row == ["SizesAvailable", "False", "Unschedulable", "3m", "why"]
    assert ["2m", "R", "Pod/assistant:", "m"] in [line.split() for line in shown]


def test_a_repeated_message_is_shown_once() -> None:
    why = "size small, 0 of 1 ready: no node"
    short = service(
        condition("Ready", "False", "Unschedulable", why),
        condition("SizesAvailable", "False", "Unschedulable", why),
        condition("RouterReady", "True", "Available", "2 of 2 routers"),
        sizes=[{"name": name, "ready": 0, "wanted": 1, "message": SCHEDULER} for name in ("small", "large")],
    )
    shown = text(short, [event("assistant-triton-x", "2026-11-21T12:01:00Z", kind="Warning", message=SCHEDULER)])
    assert shown.count(why) == shown.count(SCHEDULER) == 1
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in shown.splitlines() if line.strip()}
    assert rows["Ready"] == "False Unschedulable 3m as above"
    assert rows["SizesAvailable"] == "False Unschedulable 3m as for Ready"
    assert rows["RouterReady"] == "True Available 3m 2 of 2 routers"
    assert rows["large"] == "0/1 as for small"


def test_what_is_ready_needs_no_advice() -> None:
    ready = service(condition("Ready", "True", "Available"), condition("Degraded", "False", "Healthy"))
    report = report_of(ready, [])
    assert report.ready
    assert report.advice == ()


def test_a_version_that_the_operator_has_not_seen_is_not_ready() -> None:
    stale = service(condition("Ready", "True", "Available"), observed=1)
    assert not report_of(stale, []).ready
    assert "is it running?" in text(stale)


def test_a_service_without_any_status_is_reported_too() -> None:
    bare = {"metadata": {"name": "assistant", "namespace": "models", "uid": "u", "generation": 1}}
    shown = text(bare)
    assert shown.startswith("assistant in namespace models is not ready")
    assert "is it running?" in shown


def test_reasons_of_another_version_are_passed_over() -> None:
    assert report_of(service(condition("Ready", "False", "OutOfLuck")), []).advice == ()


def test_events_are_those_of_the_service_and_warnings_about_its_pods_the_last_ones() -> None:
    events = [
        event("assistant", "2026-11-21T12:00:03Z", uid="u"),
        event("assistant-triton-x", "2026-11-21T12:00:01Z", kind="Warning", message="FailedMount"),
        event("assistant-triton-x", "2026-11-21T12:00:02Z", message="Pulled"),
        event("other-triton-x", "2026-11-21T12:00:02Z", kind="Warning"),
    ]
    found = report_of(SHORT, events).events
    assert found is not None
    assert [one.about for one in found] == ["Pod/assistant-triton-x", "Pod/assistant"]
    many = [event("assistant", f"2026-11-21T12:00:{i:02}Z", uid="u") for i in range(20)]
    last = report_of(SHORT, many).events
    assert last is not None
    assert len(last) == EVENTS_SHOWN
    assert last[-1].at == "2026-11-21T12:00:19Z"


def test_an_event_of_the_scheduler_brings_its_time_in_another_field() -> None:
    new = event("assistant", "", uid="u") | {"lastTimestamp": None, "eventTime": "2026-11-21T12:00:01.123456Z"}
    found = report_of(SHORT, [new]).events
    assert found is not None
    assert found[0].at == "2026-11-21T12:00:01Z"


def test_events_that_may_not_be_read_are_said_so() -> None:
    report = report_of(SHORT, None)
    assert any("may not be read" in str(line) for line in lines(report, NOW))


def test_what_a_pod_says_has_no_power_over_the_terminal() -> None:
    wild = service(condition("Ready", "False", "CrashLooping", "\x1b[2Jboom [red]x[/red]"))
    shown = text(wild)
    assert "\x1b" not in shown
    assert "[red]x[/red]" in shown


def test_the_report_is_json() -> None:
    found = json.loads(json.dumps(as_mapping(report_of(SHORT, []))))
    assert found["ready"] is False
    assert found["advice"][0]["reason"] == "Unschedulable"
