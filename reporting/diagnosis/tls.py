"""The certificate that the server hands out at one address: its names, its end, whether its chain is trusted."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from reporting.expiry.tls import covers, names
from reporting.text import harmless


class NoHandshake(Exception):
    """No certificate came; one line."""


@dataclass(frozen=True)
class Served:
    """What was handed out. `distrust`: why the chain is not trusted, apart from names and dates; empty when it is."""

    fingerprint: str
    not_before: datetime
    not_after: datetime
    names: list[str]
    covers_host: bool
    distrust: str

    def days_left(self, now: datetime) -> int:
        """Whole days until the end; negative after it."""
        return (self.not_after - now).days


def look(address: str, host: str, port: int, seconds: float, ca_file: str = "") -> Served:
    """Shake hands with one address, asking for `host` (SNI).

    Raises:
        NoHandshake: no connection, no TLS, too slow, or a certificate that cannot be read.
    """
    deadline = time.monotonic() + seconds
    distrust = ""
    try:
        try:
            raw = _handshake(address, host, port, _trusting(ca_file), deadline)
        except ssl.SSLCertVerificationError as error:
            expired = error.verify_code in (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, _HAS_EXPIRED: judged by the dates
            distrust = "" if expired else harmless(error.verify_message, 200)
            raw = _handshake(address, host, port, _reading(), deadline)
        return describe(raw, host, distrust)
    except TimeoutError:
        raise NoHandshake(f"no handshake within {seconds:g} s") from None
    except ssl.SSLError as error:
        raise NoHandshake(f"no TLS there: {harmless(error.reason or error, 120)}") from None
    except OSError as error:
        raise NoHandshake(f"no connection: {harmless(error.strerror or error, 120)}") from None
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise NoHandshake(f"the certificate cannot be read: {harmless(error, 120)}") from None


def describe(der: bytes, host: str, distrust: str = "") -> Served:
    """What one certificate (DER) says."""
    certificate = x509.load_der_x509_certificate(der)
    return Served(
        fingerprint=certificate.fingerprint(SHA256()).hex(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        names=[harmless(name, 100) for name in names(certificate)][:20],
        covers_host=covers(certificate, host),
        distrust=distrust,
    )


def first_of(pem: str, host: str) -> Served | None:
    """The first certificate of a PEM text, None when there is none that can be read."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        return describe(found[0].public_bytes(Encoding.DER), host) if found else None
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None


def _trusting(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file or None)
    context.check_hostname = False  # the name is judged by itself, on the certificate
    return context


def _reading() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent over it; only the certificate is looked at
    return context


def _handshake(address: str, host: str, port: int, context: ssl.SSLContext, deadline: float) -> bytes:
    with socket.create_connection((address, port), timeout=max(0.001, deadline - time.monotonic())) as raw:
        raw.settimeout(max(0.001, deadline - time.monotonic()))
        with context.wrap_socket(raw, server_hostname=host) as secured:
            seen = secured.getpeercert(binary_form=True)
    if not seen:
        raise ValueError("the server showed none")
    return seen


__all__ = ["NoHandshake", "Served", "describe", "first_of", "look"]
