"""Find the servers behind DNS names: each address of a name is one server. Connects to nothing and decides nothing.

A name that cannot be looked up keeps the addresses that it had: whether they still serve is asked of them. One of which
the name service says several times that it has none has none: its last server may be about to stop.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from typing import TYPE_CHECKING

from besteffort.v1.config_pb2 import Backend, RouterConfig
from besteffort_router.config import settings_from_message

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from besteffort_router.config import Settings

    Resolve = Callable[[str], Coroutine[None, None, Sequence[str]]]

__all__ = ["Discovery", "addresses_of", "expanded", "names_in"]

PATIENCE_S = 1.0
"""A lookup that takes longer goes on while the router works with what it has."""
MOST_ADDRESSES = 256
NONE_TIMES = 3
"""So often a name service must say that a name has no address: one that has just started may not know all names yet."""
NO_ADDRESS = (socket.EAI_NONAME, socket.EAI_NODATA)

_LOG = logging.getLogger(__name__)


class Discovery:
    """The addresses of names, as last heard."""

    def __init__(self, resolve: Resolve) -> None:
        """`resolve` gives the addresses of a name; it may raise OSError."""
        self._resolve = resolve
        self._known: dict[str, tuple[str, ...]] = {}
        self._failed: set[str] = set()
        self._none: Counter[str] = Counter()
        self._lookups: dict[str, asyncio.Task[Sequence[str]]] = {}

    async def look(self, settings: Settings) -> bool:
        """Look up the names in `settings` and tell whether any address came or went; takes a second at most."""
        for name in names_in(settings.message):
            if name not in self._lookups:
                self._lookups[name] = asyncio.create_task(self._resolve(name))
        if not self._lookups:
            return False
        done, _ = await asyncio.wait(self._lookups.values(), timeout=PATIENCE_S)
        ended = {name: lookup for name, lookup in self._lookups.items() if lookup in done}
        for name in ended:
            del self._lookups[name]
        changed = [self._note(name, lookup) for name, lookup in ended.items()]
        return any(changed)

    def resolved(self, settings: Settings) -> Settings:
        """Return `settings` with a backend for each known address of their names.

        Raises:
            ConfigError: they are too many, or a server's name is too long.
        """
        if not names_in(settings.message):
            return settings
        found = settings_from_message(expanded(settings.message, self._known), settings.bundle)
        return settings._replace(backends=found.backends, pool=found.pool)

    def is_unsure(self, settings: Settings) -> bool:
        """Say whether a name in `settings` has no known address, or the last lookup of it gave none."""
        return any(name in self._failed or not self._known.get(name) for name in names_in(settings.message))

    def close(self) -> None:
        """Wait for no lookup any more."""
        for lookup in self._lookups.values():
            lookup.cancel()

    def _note(self, name: str, lookup: asyncio.Task[Sequence[str]]) -> bool:
        try:
            found = _answer(lookup)
        except OSError as error:
            self._keep(name, str(error))
            return False
        self._none[name] = 0 if found else self._none[name] + 1
        if self._none[name] in range(1, NONE_TIMES):
            self._keep(name, "it has no address")
            return False
        self._failed.discard(name)
        if found == self._known.get(name, ()):
            return False
        _LOG.info("%s: now %s", name, ", ".join(found) or "no address")
        self._known[name] = found
        return True

    def _keep(self, name: str, reason: str) -> None:
        if name not in self._failed:
            _LOG.warning("%s: %s; what is known of it stays", name, reason)
        self._failed.add(name)


def _answer(lookup: asyncio.Task[Sequence[str]]) -> tuple[str, ...]:
    """Return what a name service answered, nothing where it says that there is nothing.

    Raises:
        OSError: it did not answer.
    """
    try:
        return tuple(sorted(set(lookup.result())))[:MOST_ADDRESSES]
    except socket.gaierror as error:
        if error.errno in NO_ADDRESS:
            return ()
        raise


async def addresses_of(name: str) -> tuple[str, ...]:
    """Return the IPv4 addresses of a name, the IPv6 ones if it has no other: a server with both is one server.

    Raises:
        OSError: the name is not known or nobody answers.
    """
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    family = min((entry[0] for entry in found), default=socket.AF_INET)
    return tuple(str(entry[4][0]) for entry in found if entry[0] == family)


def names_in(message: RouterConfig) -> tuple[str, ...]:
    """Return the DNS names that a configuration wants looked up."""
    return tuple(dict.fromkeys(_host(backend) for backend in message.backends if backend.resolve))


def expanded(message: RouterConfig, addresses: Mapping[str, Sequence[str]]) -> RouterConfig:
    """Return the configuration with one backend for each address in place of those that are names."""
    found = RouterConfig()
    found.CopyFrom(message)
    del found.backends[:]
    for backend in message.backends:
        if backend.resolve:
            found.backends.extend(_at(backend, address) for address in addresses.get(_host(backend), ()))
        else:
            found.backends.append(backend)
    return found


def _host(backend: Backend) -> str:
    return backend.address.rpartition(":")[0]


def _at(backend: Backend, address: str) -> Backend:
    """Return the server of a name that is at `address`."""
    host = f"[{address}]" if ":" in address else address
    scheme, mark, rest = backend.metrics_url.partition("://")
    place, slash, path = rest.partition("/")
    return Backend(
        name=f"{backend.name}-{address.replace('.', '-').replace(':', '-').strip('-')}",
        address=f"{host}:{backend.address.rpartition(':')[2]}",
        metrics_url=f"{scheme}{mark}{host}:{place.rpartition(':')[2]}{slash}{path}" if mark else "",
        sizes=backend.sizes,
        device=backend.device or address,
    )
