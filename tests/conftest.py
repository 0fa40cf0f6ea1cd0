"""What holds for all tests."""

from __future__ import annotations

import signal

pytest_plugins = ["support.cluster"]


def pytest_configure() -> None:
    """Let children hear Ctrl-C: a shell starts what runs in the background deaf to it, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A soft kill cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
