"""What answers of an API server mean. That calls are right is shown on a real one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from besteffort_operator.cluster import _answer, connected
from besteffort_operator.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    OperatorError,
    UnauthorizedError,
    UnavailableError,
)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidError),
        (401, UnauthorizedError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, UnavailableError),
        (418, ApiError),
        (422, InvalidError),
        (429, UnavailableError),
        (500, UnavailableError),
        (503, UnavailableError),
    ],
)
def test_a_status_is_an_error_of_ours_with_the_servers_sentence(status: int, error: type[ApiError]) -> None:
    body = json.dumps({"kind": "Status", "message": "services is forbidden"}).encode()
    with pytest.raises(ApiError) as raised:
        _answer("GET", "/api", status, body)
    assert type(raised.value) is error
    assert str(raised.value) == f"GET /api: {status} services is forbidden"
    assert raised.value.said == "services is forbidden"


def test_a_status_without_json_is_still_known_by_its_number() -> None:
    with pytest.raises(NotFoundError, match="404 page not found"):
        _answer("GET", "/apis/x", 404, b"404 page not found\n")


@pytest.mark.parametrize("data", [b"<html>", b"[]", b"", b"[" * 100_000])
def test_what_is_no_object_is_no_answer(data: bytes) -> None:
    with pytest.raises(UnavailableError):
        _answer("GET", "/api", 200, data)


def test_an_object_is_returned_as_it_is() -> None:
    assert _answer("GET", "/api", 201, b'{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("content", [None, "", "kind: Config"])
async def test_a_kubeconfig_that_leads_nowhere_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(OperatorError, match=r"cannot connect to a cluster with .*config"):
        async with connected(path, "tests"):
            pass


async def test_outside_a_cluster_a_kubeconfig_is_asked_for() -> None:
    with pytest.raises(OperatorError, match="give --kubeconfig FILE or set KUBECONFIG; only a pod"):
        async with connected(None, "tests"):
            pass
