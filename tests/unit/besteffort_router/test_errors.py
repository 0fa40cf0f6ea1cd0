"""Error classes and status codes."""

from __future__ import annotations

import grpc

from besteffort_router import errors
from besteffort_router.errors import Code, RequestError, RouterError


def test_the_codes_are_those_of_grpc() -> None:
    assert {code.name: code.value for code in Code} == {status.name: status.value[0] for status in grpc.StatusCode}


def test_every_error_belongs_to_the_tree_and_every_request_error_has_a_code() -> None:
    classes = [value for name, value in vars(errors).items() if name.endswith("Error")]
    assert all(issubclass(found, RouterError) for found in classes)
    assert all(found.code is not Code.OK for found in classes if issubclass(found, RequestError))
