"""Images of the hosts, built once and cached under a hash of everything that went into them.

The base is made from the Debian packages that this machine already uses, or pulled from an image registry where there
is no mmdebstrap; ``LAMAN_FLEET_BASE`` names another base image (Debian bookworm with apt).
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.fleet.engine import elevation, logged, podman, podman_argv, podman_logged, run, say
from tests.fleet.settings import IMAGES, run_dir

SUITE = "bookworm"
PULLED_BASE = f"docker.io/library/debian:{SUITE}"
PARENTS = {"common": "base", "vps": "common", "shared": "common", "node": "base"}
# What of this machine's apt settings a container needs to reach the same mirror.
APT_OPTIONS = (
    "Acquire::http::",
    "Acquire::https::",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
    "Acquire::ForceIPv4",
    "Acquire::Retries",
)
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
CA_INSIDE = "/usr/local/share/fleet-ca.crt"


def runs_suite() -> bool:
    """Whether this machine's own apt sources are those of the suite that the images are made of."""
    release = Path("/etc/os-release")
    return release.is_file() and f"VERSION_CODENAME={SUITE}" in release.read_text(encoding="utf-8").splitlines()


def base_reference() -> str | None:
    """The base image to pull, or None if it is to be made here with mmdebstrap."""
    named = os.environ.get("LAMAN_FLEET_BASE")
    if named:
        return named
    return None if shutil.which("mmdebstrap") and runs_suite() else PULLED_BASE


def apt_sources() -> list[str]:
    """This machine's apt sources of the suite, as lines of a sources.list; empty if apt knows none."""
    told = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"])
    wanted = {SUITE, f"{SUITE}-updates", f"{SUITE}-security"}
    lines = []
    for line in told.splitlines():
        uri, release, component = line.split()
        if release in wanted and component == "main" and uri.startswith(("http://", "https://")):
            lines.append(f"deb {uri} {release} {component}")
    return sorted(set(lines))


def apt_options() -> list[str]:
    """This machine's settings for reaching its mirror: proxies, certificates, validity of old snapshots."""
    dumped = run(["apt-config", "dump"]).splitlines()
    return [line.rstrip(";") for line in dumped if line.startswith(APT_OPTIONS) and not line.endswith('"";')]


def mmdebstrap_argv(target: Path) -> list[str]:
    """The command that makes the base image's file system."""
    sources = apt_sources()
    argv = [*elevation(), "mmdebstrap", "--quiet", "--variant=minbase"]
    argv += [f"--aptopt={option}" for option in apt_options()]
    if any(source.startswith("deb https://") for source in sources) and CA_BUNDLE.is_file():
        # A mirror with a certificate of its own is trusted inside the image as it is trusted here.
        argv += [
            f'--customize-hook=cp {CA_BUNDLE} "$1{CA_INSIDE}"',
            f"--customize-hook=echo 'Acquire::https::CAInfo {CA_INSIDE};' > \"$1/etc/apt/apt.conf.d/99z-fleet\"",
        ]
    return [*argv, SUITE, str(target), *sources]


def _hash_context(digest: "hashlib._Hash", directory: Path) -> None:
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(directory)}\0{path.stat().st_mode & 0o111}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())


def image(name: str) -> str:
    """Reference of an image; it changes with any of its inputs, and so do those of the images built on it."""
    if name == "base":
        reference = base_reference()
        if reference is not None:
            return reference
        recipe = f"mmdebstrap minbase {SUITE}"
        return f"localhost/laman-fleet-base:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    digest = hashlib.sha256(image(PARENTS[name]).encode())
    _hash_context(digest, IMAGES / name)
    return f"localhost/laman-fleet-{name}:{digest.hexdigest()[:12]}"


def exists(reference: str) -> bool:
    """Whether the image is in podman's store."""
    return subprocess.run(podman_argv("image", "exists", reference), capture_output=True, check=False).returncode == 0


def _make_base(reference: str) -> None:
    if base_reference() is not None:
        podman_logged(run_dir() / "logs" / "base.log", "pull", reference)
        return
    with tempfile.TemporaryDirectory(prefix="laman-fleet-") as scratch:
        rootfs = Path(scratch) / "rootfs.tar"
        logged(run_dir() / "logs" / "base.log", mmdebstrap_argv(rootfs))
        podman("import", "--quiet", rootfs, reference, timeout=600)


def _build(name: str, reference: str) -> None:
    podman_logged(
        run_dir() / "logs" / f"{name}.log",
        *("build", "--build-arg", f"BASE={image(PARENTS[name])}", "--tag", reference, IMAGES / name),
    )


def ensure(name: str) -> str:
    """Make the image unless it is cached, its parents first; returns its reference."""
    reference = image(name)
    if exists(reference):
        return reference
    if name != "base":
        ensure(PARENTS[name])
    say(f"making image {name} (once, up to a minute) …")
    started = time.monotonic()
    if name == "base":
        _make_base(reference)
    else:
        _build(name, reference)
    say(f"image {name} is ready after {time.monotonic() - started:.0f} s")
    return reference


def outdated() -> list[str]:
    """Images of any fleet that no recipe of this checkout makes any more."""
    current = {image(name) for name in ("base", *PARENTS)}
    listed = podman("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    ours = {reference for reference in listed if reference.startswith("localhost/laman-fleet-")}
    return sorted(ours - current)
