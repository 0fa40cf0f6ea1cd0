from __future__ import annotations

import errno
import threading
import time
from typing import TYPE_CHECKING

import pytest

from besteffort_cli.errors import ServerError
from besteffort_cli.supervision import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable


class FakePart:
    """Dies when told; fails to start as often as told."""

    def __init__(self, title: str, journal: list[str]) -> None:
        self.title = title
        self.journal = journal
        self.code: int | None = None
        self.failures = 0
        self.denials = 0
        self.starts = 0
        self.ready = threading.Event()

    def start(self) -> None:
        self.starts += 1
        if self.denials and self.starts > 1:
            self.denials -= 1
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
        self.code = None
        self.journal.append(f"start {self.title}")

    def wait_until_ready(self, cancelled: threading.Event) -> None:
        assert not cancelled.is_set()
        self.journal.append(f"wait {self.title}")
        if self.failures:
            self.failures -= 1
            self.code = 1
            raise ServerError(f"{self.title} did not start: broken.")
        self.ready.set()

    def exit_code(self) -> int | None:
        return self.code

    def ask_to_stop(self) -> None:
        self.journal.append(f"ask {self.title}")

    def stop(self) -> None:
        self.journal.append(f"stop {self.title}")

    def die(self) -> None:
        self.ready.clear()
        self.code = 137


def eventually(holds: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + 10
    while not holds() and time.monotonic() < give_up_at:
        time.sleep(0.01)
    return holds()


def test_parts_start_together_and_stop_together_the_last_one_first() -> None:
    journal: list[str] = []
    supervisor = Supervisor(journal.append)
    supervisor.run([FakePart("a", journal), FakePart("b", journal)])
    supervisor.close()
    assert journal == ["start a", "start b", "wait a", "wait b", "ask b", "ask a", "stop b", "stop a"]


def test_a_part_that_does_not_start_is_an_error_and_still_stopped() -> None:
    journal: list[str] = []
    part = FakePart("a", journal)
    part.failures = 1
    supervisor = Supervisor(journal.append)
    with pytest.raises(ServerError, match="broken"):
        supervisor.run([part])
    supervisor.close()
    assert journal[-1] == "stop a"


def test_a_dead_part_is_started_anew_and_counted() -> None:
    said: list[str] = []
    part = FakePart("Triton a", [])
    supervisor = Supervisor(said.append, first_delay_s=0.01)
    supervisor.run([part])
    part.die()
    assert eventually(lambda: len(said) == 2)
    supervisor.close()
    assert said == ["Triton a died (exit status 137); starting it again in 0.01 s", "Triton a is back"]
    assert supervisor.restarts == 1


def test_a_part_that_keeps_dying_is_started_later_and_later() -> None:
    said: list[str] = []
    part = FakePart("a", [])
    supervisor = Supervisor(said.append, first_delay_s=0.01)
    supervisor.run([part])
    part.failures = 2
    part.die()
    assert eventually(lambda: "a is back" in said)
    supervisor.close()
    delays = [sentence.split()[-2] for sentence in said if "again in" in sentence]
    assert delays == ["0.01", "0.02", "0.04"]
    assert said.count("a did not start: broken.") == 2


def test_a_part_whose_process_the_machine_denies_is_tried_again() -> None:
    said: list[str] = []
    part = FakePart("a", [])
    supervisor = Supervisor(said.append, first_delay_s=0.01)
    supervisor.run([part])
    part.denials = 1
    part.die()
    assert eventually(lambda: "a is back" in said)
    supervisor.close()
    assert f"a did not start: [Errno {errno.EAGAIN}] Resource temporarily unavailable" in said


def test_closing_does_not_wait_for_a_part_that_waits_to_be_started() -> None:
    said: list[str] = []
    part = FakePart("a", [])
    supervisor = Supervisor(said.append, first_delay_s=3600)
    supervisor.run([part])
    part.die()
    assert eventually(lambda: bool(said))
    supervisor.close()
    assert part.starts == 1
