"""Errors of the core.

CoreError
  PoolError      the sizes or backends do not fit together
  BundleError    a policy bundle is refused
"""

from __future__ import annotations

__all__ = ["BundleError", "CoreError", "PoolError"]


class CoreError(ValueError):
    """Anything the core refuses; the message is one sentence for a user."""


class PoolError(CoreError):
    """The sizes, tasks or backends do not fit together."""


class BundleError(CoreError):
    """A policy bundle is truncated, foreign, of another layout or not finite."""
