"""Which of all routers this one is: its place among the addresses of a DNS name behind which all of them are."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from besteffort_router.discovery import Resolve

__all__ = ["ALONE", "Peers"]

ALONE = (0, 1)
"""Place and number of one that knows of no other."""
PATIENCE_S = 1.0

_LOG = logging.getLogger(__name__)


class Peers:
    """The routers, as last heard."""

    def __init__(self, resolve: Resolve, name: str, address: str) -> None:
        """`name` has the addresses of all that are ready, `address` is our own; without a name we are alone."""
        self._resolve = resolve
        self._name = name
        self._address = address
        self._known = ALONE

    async def look(self) -> tuple[int, int]:
        """Return our place among all routers and their number; what was known where the name service fails."""
        if not self._name:
            return ALONE
        try:
            found = sorted(set(await asyncio.wait_for(self._resolve(self._name), PATIENCE_S)))
        except OSError:  # a TimeoutError is one
            return self._known
        known = (found.index(self._address), len(found)) if self._address in found else ALONE
        if known != self._known:
            _LOG.info("%s: router %d of %d", self._name, known[0] + 1, known[1])
        self._known = known
        return known
