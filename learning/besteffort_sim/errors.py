"""Errors of the simulator.

SimulationError   a workload, a profile or a trace is refused
"""

from __future__ import annotations

__all__ = ["SimulationError"]


class SimulationError(ValueError):
    """A workload, a profile or a trace is refused; the message is one sentence for a user."""
