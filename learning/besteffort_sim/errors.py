"""Errors of the simulator.

SimulationError   a workload, a trace or a rule is refused
"""

from __future__ import annotations

__all__ = ["SimulationError"]


class SimulationError(ValueError):
    """A workload, a trace or a rule is refused; the message is one sentence for a user."""
