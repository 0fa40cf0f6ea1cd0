"""The keys and the certificate of one throw-away cluster."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["write_certificates"]

DAY = dt.timedelta(days=1)
NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


def write_certificates(folder: Path, addresses: Sequence[str]) -> None:
    """Write ca.crt, server.crt, server.key and the service accounts' sa.key into a folder."""
    authority_key, server_key = _key(), _key()
    authority = _certificate("besteffort-e2e", authority_key, "besteffort-e2e", authority_key)
    (folder / "ca.crt").write_bytes(_pem(authority))
    (folder / "server.crt").write_bytes(
        _pem(_certificate("server", server_key, "besteffort-e2e", authority_key, addresses))
    )
    (folder / "server.key").write_bytes(_private(server_key))
    (folder / "sa.key").write_bytes(_private(_key()))


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _certificate(
    subject: str, key: rsa.RSAPrivateKey, issuer: str, issuer_key: rsa.RSAPrivateKey, addresses: Sequence[str] = ()
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    alternatives = [*map(x509.DNSName, NAMES), *(x509.IPAddress(ipaddress.ip_address(one)) for one in addresses)]
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=not addresses, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: rsa.RSAPrivateKey) -> bytes:
    pem, traditional = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(pem, traditional, serialization.NoEncryption())
