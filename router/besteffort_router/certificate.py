"""The certificate of the gRPC port, read anew when its files change (cert-manager writes new ones in place)."""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING

import grpc

from besteffort_router.config import read_bounded
from besteffort_router.errors import ConfigError, StartError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Certificate"]

MAX_BYTES = 256 * 1024

_LOG = logging.getLogger(__name__)
_Sign = tuple[tuple[int, int, int], ...]


class Certificate:
    """A chain of certificates and the key of the first, in two PEM files."""

    def __init__(self, chain: Path, key: Path) -> None:
        """Read both.

        Raises:
            StartError: one cannot be read, or they do not belong together.
        """
        self._files = (chain, key)
        self._sign = self._look()
        self._pair = self._read()

    def credentials(self) -> grpc.ServerCredentials:
        """Return credentials that look at the files at each new connection."""
        return grpc.dynamic_ssl_server_credentials(_configuration(self._pair), self._fetch)  # type: ignore[arg-type] # None: nothing new

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the new pair, None where nothing is new or the new one is no good."""
        sign = self._look()
        if sign == self._sign:
            return None
        try:
            pair = self._read()
        except StartError as error:
            _LOG.error("%s; the certificate in force stays", error)
            self._sign = sign
            return None
        if self._look() != sign:
            return None
        _LOG.info("--tls-cert %s: read anew", self._files[0])
        self._sign, self._pair = sign, pair
        return _configuration(pair)

    def _read(self) -> tuple[bytes, bytes]:
        chain, key = self._files
        try:
            pair = read_bounded(chain, MAX_BYTES, "--tls-cert"), read_bounded(key, MAX_BYTES, "--tls-key")
            # A key with a password would ask for it on the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key, password="")
        except ConfigError as error:
            raise StartError(str(error)) from error
        except (ssl.SSLError, OSError, ValueError) as error:
            raise StartError(f"--tls-cert {chain}, --tls-key {key}: no PEM certificate with its own key") from error
        return pair

    def _look(self) -> _Sign:
        found = []
        for path in self._files:
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((status.st_ino, status.st_mtime_ns, status.st_size))
        return tuple(found)


def _configuration(pair: tuple[bytes, bytes]) -> grpc.ServerCertificateConfiguration:
    chain, key = pair
    return grpc.ssl_server_certificate_configuration([(key, chain)])
