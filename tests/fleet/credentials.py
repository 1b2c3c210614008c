"""SSH keys and certificates of a fleet, made before its hosts exist: nothing is ever trusted on first use."""

import datetime as dt
from pathlib import Path

from tests.fleet.engine import run

_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def ssh_key(path: Path, comment: str) -> str:
    """Make the key pair unless it is there; returns the public key (type and base64)."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])
    return " ".join(path.with_name(path.name + ".pub").read_text(encoding="ascii").split()[:2])


def authority(directory: Path) -> Path:
    """A new certificate authority for this start; returns its certificate, which a client has to trust."""
    certificate = directory / "ca.crt"
    directory.mkdir(parents=True, exist_ok=True)
    # Strict clients, as Python is since 3.13, want the key usage here and the key identifiers on what it signs.
    subject = ("-subj", "/CN=Laman Fleet Test CA", "-days", "3650", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    run(["openssl", "req", "-x509", *_EC, *subject, "-keyout", directory / "ca.key", "-out", certificate])
    return certificate


def server_certificate(directory: Path, ca: Path, names: list[str], days: int) -> dt.datetime:
    """``tls.crt`` and ``tls.key`` for addresses and names, valid for so many days; returns the moment of expiry."""
    directory.mkdir(parents=True, exist_ok=True)
    request, extensions = directory / "tls.csr", directory / "tls.ext"
    alternatives = ",".join(("IP:" if name[0].isdigit() else "DNS:") + name for name in names)
    extensions.write_text(
        f"subjectAltName={alternatives}\nbasicConstraints=CA:FALSE\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
        encoding="ascii",
    )
    run(["openssl", "req", "-new", *_EC, "-subj", f"/CN={names[0]}", "-keyout", directory / "tls.key", "-out", request])
    sign = ("-CA", ca, "-CAkey", ca.with_suffix(".key"), "-CAcreateserial", "-days", str(days), "-extfile", extensions)
    run(["openssl", "x509", "-req", "-in", request, *sign, "-out", directory / "tls.crt"])
    return expiry(directory / "tls.crt")


def expiry(certificate: Path) -> dt.datetime:
    """When a certificate ends (UTC)."""
    text = run(["openssl", "x509", "-in", certificate, "-noout", "-enddate", "-dateopt", "iso_8601"])
    return dt.datetime.fromisoformat(text.strip().removeprefix("notAfter=").replace("Z", "+00:00"))
