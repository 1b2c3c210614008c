"""When a certificate ends, as the server hands it out (TLS with SNI).

An untrusted chain is noted and does not hide the date; a certificate for other names is another's date: unknown.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time

from cryptography import x509
from cryptography.x509.oid import NameOID

from reporting.expiry.model import Limits, Look, known, unknown
from reporting.expiry.names import host_name
from reporting.service import Watch
from reporting.text import harmless

PORT = 443
_NEVER = 9999  # RFC 5280, 4.1.2.5: 99991231235959Z says "no well-defined end"


class _Wrong(Exception):
    """No usable certificate; one line."""


def look(watch: Watch, limits: Limits) -> Look:
    """Shake hands with the host and read the end of its certificate; failures come back as `unknown`."""
    port = watch.port or PORT
    source = f"tls://{watch.name}:{port}"
    try:
        host = host_name(watch.name)
        raw, distrust = _certificate(host, port, limits, watch.ca_file)
        certificate = x509.load_der_x509_certificate(raw)
        if not covers(certificate, host):
            raise _Wrong(
                f"the certificate is for other names: {harmless(', '.join(names(certificate)) or 'none', 200)}"
            )
        ends_at = certificate.not_valid_after_utc
    except (_Wrong, ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        return unknown("tls", source, str(error))
    if ends_at.year >= _NEVER:
        return unknown("tls", source, "the certificate names no end (year 9999)")
    return known("tls", source, ends_at, distrust)


def _certificate(host: str, port: int, limits: Limits, ca_file: str) -> tuple[bytes, str]:
    """The server's certificate (DER) and why its chain is not trusted, if it is not."""
    try:
        trusting = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # SSLError is one
        raise _Wrong(f"ca_file {harmless(ca_file, 120)}: {harmless(error.strerror or error, 100)}") from None
    trusting.check_hostname = False  # the name is judged by itself, on the certificate
    deadline = time.monotonic() + limits.timeout
    try:
        return _handshake(host, port, trusting, limits, deadline), ""
    except ssl.SSLCertVerificationError as error:
        distrust = f"the chain is not trusted: {harmless(error.verify_message, 200)}"
    reading = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    reading.check_hostname = False
    reading.verify_mode = ssl.CERT_NONE  # only the certificate's date is taken from this connection
    return _handshake(host, port, reading, limits, deadline), distrust


def _handshake(host: str, port: int, context: ssl.SSLContext, limits: Limits, deadline: float) -> bytes:
    try:
        left = max(0.001, deadline - time.monotonic())
        with socket.create_connection((host, port), timeout=min(limits.connect_timeout, left)) as raw:
            raw.settimeout(max(0.001, deadline - time.monotonic()))
            with context.wrap_socket(raw, server_hostname=host) as secured:
                seen = secured.getpeercert(binary_form=True)
    except ssl.SSLCertVerificationError:
        raise
    except TimeoutError:
        raise _Wrong(f"no handshake within {limits.timeout:g} s") from None
    except socket.gaierror:
        raise _Wrong(f"DNS: {harmless(host, 80)} cannot be resolved") from None
    except ssl.SSLError as error:
        raise _Wrong(f"no TLS: {harmless(error.reason or error, 120)}") from None
    except OSError as error:
        raise _Wrong(f"no connection: {harmless(error.strerror or error, 120)}") from None
    if not seen:
        raise _Wrong("the server showed no certificate")
    return seen


def names(certificate: x509.Certificate) -> list[str]:
    """DNS names and addresses of a certificate; the common name only where there are none (RFC 6125)."""
    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return [str(a.value) for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    addresses = [str(address) for address in listed.get_values_for_type(x509.IPAddress)]
    return [*listed.get_values_for_type(x509.DNSName), *addresses]


def covers(certificate: x509.Certificate, host: str) -> bool:
    """Whether the certificate is for that host (ASCII name or address); `*` stands for one whole left label."""
    return any(_matches(pattern.lower().rstrip("."), host) for pattern in names(certificate))


def _matches(pattern: str, host: str) -> bool:
    if pattern.startswith("*.") and not _is_address(host):
        return bool(host.partition(".")[0]) and host.partition(".")[2] == pattern[2:]
    return pattern == host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
