from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from besteffort_cli.router_process import RouterProcess

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = "127.0.0.1:1"


class Listening(RouterProcess):
    """Has said where it listens, is never ready, and is cancelled when it is asked whether it still runs."""

    cancelled: Event

    def _line(self) -> str:
        return f"listening grpc={NOBODY} metrics={NOBODY}"

    def exit_code(self) -> None:
        self.cancelled.set()


def test_who_waits_for_a_router_without_servers_can_be_told_to_stop(tmp_path: Path) -> None:
    router = Listening(tmp_path, listen=NOBODY, metrics=NOBODY)
    router.cancelled = Event()
    router.wait_until_ready(router.cancelled)
    assert router.cancelled.is_set()
