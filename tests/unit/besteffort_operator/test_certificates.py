"""What the webhook shows verifies against what the API server is told to trust, before, during and after a renewal."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from besteffort_operator.certificates import Certificate, issued, needs_renewal, read_secret, secret_data

NAMES = ["besteffort-operator.besteffort-system.svc", "127.0.0.1"]
NOW = datetime.now(UTC)


def verified(server: Certificate, authorities: bytes, host: str, tmp_path: Path) -> bool:
    """Shake hands in memory, as the API server would."""
    (tmp_path / "pair.pem").write_bytes(server.chain + server.key)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(tmp_path / "pair.pem")
    theirs = ssl.create_default_context(cadata=authorities.decode())
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = theirs.wrap_bio(to_client, to_server, server_hostname=host)
    answering = ours.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, answering):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return client.version() is not None


def test_a_certificate_verifies_for_its_names_only(tmp_path: Path) -> None:
    found = issued(NAMES, NOW)
    assert verified(found, found.authorities, NAMES[0], tmp_path)
    assert verified(found, found.authorities, NAMES[1], tmp_path)
    assert not verified(found, found.authorities, "other.svc", tmp_path)
    assert not verified(found, issued(NAMES, NOW).authorities, NAMES[0], tmp_path)


def test_while_it_is_renewed_both_the_old_and_the_new_verify(tmp_path: Path) -> None:
    old = issued(NAMES, NOW)
    new = issued(NAMES, NOW, before=old)
    newest = issued(NAMES, NOW, before=new)
    assert verified(old, new.authorities, NAMES[0], tmp_path)
    assert verified(new, new.authorities, NAMES[0], tmp_path)
    assert not verified(old, newest.authorities, NAMES[0], tmp_path), "no more than one is kept"
    assert len(x509.load_pem_x509_certificates(newest.authorities)) == 2


def test_it_is_renewed_at_two_thirds_of_its_life_or_for_other_names() -> None:
    found = issued(NAMES, NOW, life=timedelta(days=90))
    assert not needs_renewal(found, NAMES, NOW + timedelta(days=59))
    assert needs_renewal(found, NAMES, NOW + timedelta(days=61))
    assert not needs_renewal(found, NAMES[:1], NOW)
    assert needs_renewal(found, ["other.svc"], NOW)


def test_a_users_own_certificate_without_host_names_is_renewed() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAMES[0])])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=90))
    own = builder.sign(key, hashes.SHA256())
    pem = own.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    found = read_secret({"data": secret_data(Certificate(pem, pem, private))})
    assert found is not None
    assert needs_renewal(found, NAMES, NOW)


def test_a_secret_keeps_it() -> None:
    found = issued(NAMES, NOW)
    assert read_secret({"data": secret_data(found)}) == found


@pytest.mark.parametrize("spoil", ["tls.key", "tls.crt", "ca.crt"])
def test_a_secret_that_holds_nothing_or_not_a_whole_is_as_if_empty(spoil: str) -> None:
    data, other = secret_data(issued(NAMES, NOW)), secret_data(issued(NAMES, NOW))
    assert read_secret({}) is None
    assert read_secret({"data": None}) is None
    assert read_secret({"data": data | {spoil: "bm9uc2Vuc2U="}}) is None
    assert read_secret({"data": {name: text for name, text in data.items() if name != spoil}}) is None
    assert read_secret({"data": data | {"tls.key": other["tls.key"]}}) is None
