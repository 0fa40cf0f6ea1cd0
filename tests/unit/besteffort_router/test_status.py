"""What a router says about itself."""

from __future__ import annotations

import json

import pytest
from google.protobuf import json_format

from besteffort.v1.status_pb2 import RouterStatus
from besteffort_core.latency import candidates
from besteffort_core.model import Request
from besteffort_router.dispatch import Dispatch
from besteffort_router.ledger import Ledger
from besteffort_router.status import Status
from besteffort_router.terms import Arrival
from support.router import request_bytes, settings

SETTINGS = settings()._replace(digest="0123456789ab", policy_since_s=1700000000.5)


def dispatch() -> Dispatch:
    found = Dispatch(SETTINGS, Ledger(), lambda: 0.0)
    for backend in SETTINGS.backends[:2]:
        found.load.set_ready(0.0, backend.replica, backend.model, ready=True)
    return found


def test_the_status_says_what_is_in_force_and_what_was_refused() -> None:
    found = dispatch()
    found.begin(1.0, Arrival(request_bytes("stranger")))
    found.load.lose(SETTINGS.backends[0].replica)
    found.load.lose(SETTINGS.backends[1].replica)
    found.begin(1.0, Arrival(request_bytes()))
    said = Status(found, lambda: 1.0).message()
    assert said.config_digest == "0123456789ab"
    assert (said.policy.kind, said.policy.mode, said.policy.digest) == ("Greedy", "Enforce", "")
    assert said.policy.loaded_at_s == 1700000000.5
    assert (said.requests_total, said.refused_total) == (2, 1)
    assert said.rate_rps > 0.0


def test_the_backlog_is_the_one_that_the_policy_sees() -> None:
    """Each size has a device of its own here."""
    found = dispatch()
    lane = found.load.lanes[1]
    lane.own, lane.others = 5, 6
    lane.learn(1.0, 0.1, 0.4, answered=True)
    said = Status(found, lambda: 1.0).message().backends
    snapshot = found.load.snapshot(1.0)
    assert [backend.size for backend in said] == ["small", "medium", "large"]
    assert [backend.ready for backend in said] == [True, True, False]
    found_s = candidates(Request(0, 1.0), SETTINGS.pool, snapshot).backlog_s
    assert [backend.backlog_s for backend in said] == found_s.tolist()
    assert said[1].backlog_s > 0.0
    assert (said[1].replica, said[1].in_flight) == ("medium-0", 5)
    assert said[1].correction == pytest.approx(snapshot.correction[1])


def test_the_page_is_json_with_every_field_that_reads_back_as_the_message() -> None:
    status = Status(dispatch(), lambda: 1.0)
    page = status.page()
    assert json.loads(page)["policy"]["error"] == ""
    assert json.loads(page)["backends"][0]["inFlight"] == 0
    assert json_format.Parse(page, RouterStatus()) == status.message()
