"""The page /status: which configuration and policy are in force, and how much work waits where. Only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import json_format

from besteffort.v1.status_pb2 import BackendStatus, PolicyStatus, RouterStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from besteffort_router.dispatch import Dispatch

__all__ = ["Status"]


class Status:
    """What a router says about itself."""

    def __init__(self, dispatch: Dispatch, clock: Callable[[], float]) -> None:
        """`clock` is the one that the dispatch is driven by."""
        self._dispatch = dispatch
        self._clock = clock

    def page(self) -> bytes:
        """Return RouterStatus as JSON; each field is there, whatever its value."""
        text = json_format.MessageToJson(self.message(), always_print_fields_with_no_presence=True, indent=None)
        return text.encode() + b"\n"

    def message(self) -> RouterStatus:
        """Return the status as it is now."""
        dispatch, now_s = self._dispatch, self._clock()
        return RouterStatus(
            config_digest=dispatch.settings.digest,
            policy=self._policy(),
            backends=self._backends(now_s),
            rate_rps=dispatch.load.rate_rps(now_s),
            refused_total=dispatch.ledger.refused.total(),
            requests_total=dispatch.ledger.requests.total(),
        )

    def _policy(self) -> PolicyStatus:
        settings = self._dispatch.settings
        return PolicyStatus(
            kind=settings.policy.kind.value,
            mode="Shadow" if settings.policy.shadow else "Enforce",
            digest=settings.policy.digest,
            loaded_at_s=settings.policy_since_s,
            error=settings.bundle_error,
        )

    def _backends(self, now_s: float) -> list[BackendStatus]:
        load, pool = self._dispatch.load, self._dispatch.settings.pool
        return [
            BackendStatus(
                size=lane.backend.size_name,
                replica=lane.backend.replica.name,
                ready=lane.takes(now_s),
                backlog_s=backlog_s,
                in_flight=lane.own,
                correction=lane.correction(now_s),
            )
            for lane, backlog_s in zip(load.lanes, load.backlogs_s(now_s, pool), strict=True)
        ]
