from __future__ import annotations

import pytest
from google.protobuf import json_format

from besteffort.v1 import status_pb2
from besteffort_operator.errors import ReportError
from besteffort_operator.router_report import BackendReport, PolicyReport, parse_report
from besteffort_router.dispatch import Dispatch
from besteffort_router.ledger import Ledger
from besteffort_router.status import Status
from support.router import settings as router_settings


def test_a_page_that_a_router_writes_reads_back() -> None:
    message = status_pb2.RouterStatus(
        config_digest="0123456789ab",
        policy=status_pb2.PolicyStatus(kind="Learned", mode="Shadow", digest="ab" * 32, loaded_at_s=1.5, error="no"),
        backends=[status_pb2.BackendStatus(size="small", replica="a-10-0-0-1", ready=True, backlog_s=0.25)],
        rate_rps=3.0,
    )
    report = parse_report(json_format.MessageToJson(message).encode())
    assert report.config_digest == "0123456789ab"
    assert report.policy == PolicyReport("Learned", "Shadow", "ab" * 32, 1.5, "no")
    assert report.backends == (BackendReport("small", "a-10-0-0-1", ready=True, backlog_s=0.25),)


def test_a_real_routers_page_is_read() -> None:
    settings = router_settings()._replace(digest="0123456789ab", policy_since_s=1_700_000_000.5)
    dispatch = Dispatch(settings, Ledger(), lambda: 0.0)
    dispatch.load.set_ready(0.0, settings.backends[0].replica, settings.backends[0].model, ready=True)
    report = parse_report(Status(dispatch, lambda: 1.0).page())
    assert report.config_digest == "0123456789ab"
    assert report.policy == PolicyReport("Greedy", "Enforce", "", 1_700_000_000.5, "")
    assert [(found.size, found.replica, found.ready) for found in report.backends] == [
        ("small", "small-0", True),
        ("medium", "medium-0", False),
        ("large", "large-0", False),
    ]


def test_fields_of_a_newer_router_are_passed_over() -> None:
    assert parse_report(b'{"policy": {"kind": "Price", "mood": "good"}, "weather": []}').policy.kind == "Price"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>not found</html>",
        b"[]",
        b"\xff\xfe",
        b'{"policy": "Price"}',
        b'{"policy": {"kind": "Price", "loadedAtS": "NaN"}}',
        b'{"policy": {"kind": "Price", "loadedAtS": 1e300}}',
        b'{"policy": {"kind": "Price", "loadedAtS": -1}}',
        b'{"backends": [' + b"[" * 5000,
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ReportError):
        parse_report(data)


def test_what_would_swell_a_status_is_cut() -> None:
    report = parse_report(b'{"policy": {"kind": "Price", "digest": "%s", "error": "%s"}}' % (b"a" * 9999, b"e" * 9999))
    assert len(report.policy.digest) == 64
    assert len(report.policy.error) == 400
