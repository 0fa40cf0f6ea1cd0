"""What holds for all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let children hear Ctrl-C: a shell starts what runs in the background deaf to it, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
