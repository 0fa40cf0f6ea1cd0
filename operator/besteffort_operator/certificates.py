"""Pure: the webhook's certificate and the authority that signed it; each new one has a new authority.

The key of an authority is forgotten at once: nobody can sign anything else with it. What is trusted holds the authority
before it too, for replicas that still show the certificate before.
"""

from __future__ import annotations

import base64
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from besteffort_operator.manifests.context import Manifest

__all__ = ["LIFE", "Certificate", "issued", "needs_renewal", "read_secret", "secret_data"]

LIFE = timedelta(days=90)
RENEWED_AT = 2 / 3
"""Of its life."""
CLOCK_SKEW = timedelta(minutes=10)
_MARK = b"-----END CERTIFICATE-----\n"


@dataclass(frozen=True)
class Certificate:
    """PEM texts."""

    authorities: bytes
    """Whom the API server trusts: the one that signed the certificate, and the one before."""
    chain: bytes
    key: bytes


def issued(
    names: Sequence[str], now: datetime, *, life: timedelta = LIFE, before: Certificate | None = None
) -> Certificate:
    """Return a new certificate for host names or addresses, and its authority with that of the one `before`."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    # Each of its own name: by that the right one of two is found.
    authority_name = _name(f"besteffort-webhook-{secrets.token_hex(8)}")
    authority = _unsigned(authority_name, authority_name, authority_key, now, life)
    authority = authority.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    server = _unsigned(_name("besteffort-operator"), authority_name, key, now, life)
    server = server.add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
    server = server.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    authorities = _pem(authority.sign(authority_key, hashes.SHA256()))
    if before is not None:
        authorities += before.authorities.partition(_MARK)[0] + _MARK
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Certificate(authorities, _pem(server.sign(authority_key, hashes.SHA256())), private)


def needs_renewal(certificate: Certificate, names: Sequence[str], now: datetime) -> bool:
    """Say whether two thirds of its life are over, or it is not for these names: it may be somebody else's."""
    found = x509.load_pem_x509_certificate(certificate.chain)
    begin, end = found.not_valid_before_utc, found.not_valid_after_utc
    return now >= begin + (end - begin) * RENEWED_AT or not set(names) <= _names_of(found)


def secret_data(certificate: Certificate) -> dict[str, str]:
    """Return the data of a Secret that holds a certificate."""
    texts = {"ca.crt": certificate.authorities, "tls.crt": certificate.chain, "tls.key": certificate.key}
    return {name: base64.b64encode(text).decode() for name, text in texts.items()}


def read_secret(secret: Manifest) -> Certificate | None:
    """Return the certificate that a Secret holds; None where it holds none that can be used."""
    data: Mapping[str, str] = secret.get("data") or {}
    try:
        authorities, chain, key = (base64.b64decode(data[name]) for name in ("ca.crt", "tls.crt", "tls.key"))
        own = x509.load_pem_x509_certificate(chain).public_key()
        matches = serialization.load_pem_private_key(key, None).public_key() == own
        x509.load_pem_x509_certificates(authorities)
    except (KeyError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return Certificate(authorities, chain, key) if matches else None


def _names_of(found: x509.Certificate) -> set[str]:
    try:
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return set()
    return {str(name.value) for name in alternatives}


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - min(CLOCK_SKEW, life / 10))
        .not_valid_after(now + life)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
