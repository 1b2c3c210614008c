"""The UAPI client against the emulator, over real TLS on loopback."""

from __future__ import annotations

import gzip
import hashlib
import os
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reporting.hosts.cpanel import Account, Cpanel, CpanelError, number, prove_access
from tests.emulators.cpanel import CpanelEmulator, Fault


@pytest.fixture
def cpanel(tmp_path: Path) -> Iterator[CpanelEmulator]:
    with CpanelEmulator(tmp_path) as emulator:
        yield emulator


def _client(emulator: CpanelEmulator, **changes: Any) -> Cpanel:
    settings: dict[str, Any] = {
        "host": "localhost",
        "port": emulator.port,
        "user": emulator.user,
        "token": emulator.token,
        "ca_file": emulator.ca_file,
        "timeout": 0.5,
        "total_timeout": 1.0,
    }
    return Cpanel(Account(**(settings | changes)))


def _error(call: Any) -> CpanelError:
    with pytest.raises(CpanelError) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    return caught.value


def test_a_call_is_authenticated_and_gives_the_data(cpanel: CpanelEmulator) -> None:
    assert "dinas.example" in prove_access(_client(cpanel))
    assert cpanel.seen == [("/execute/DomainInfo/list_domains", f"cpanel dinas:{cpanel.token}")]
    data = _client(cpanel).call("Variables", "get_user_information", name="home")
    assert data == {"home": "/home/dinas"}


@pytest.mark.parametrize("envelope", ["", "wrapped"])
@pytest.mark.parametrize("older", [False, True])
def test_both_envelopes_and_both_kinds_of_numbers(cpanel: CpanelEmulator, envelope: Fault, older: bool) -> None:
    cpanel.fault, cpanel.strings_for_numbers = envelope, older
    cpanel.add_log_archive("dinas.example-Nov-2026.gz", gzip.compress(b"x"), 1_795_000_000)
    archives = _client(cpanel).call("LogManager", "list_archives")
    assert [number(a["mtime"]) for a in archives] == [1_795_000_000]
    assert isinstance(archives[0]["mtime"], str) is older
    assert number(_client(cpanel).call("Quota", "get_quota_info")["megabyte_limit"]) == 250


@pytest.mark.parametrize(
    ("fault", "kind", "word"),
    [
        ("http_401", "refused_login", "token"),
        ("http_403", "refused_login", "lock-out"),
        ("denied_200", "refused_login", "Access denied"),
        ("http_503", "protocol", "503"),
        ("login_page", "login_page", "log-in page"),
        ("redirect", "redirect", "evil.example"),
        ("status_0", "status", "feature"),
        ("status_0_echo", "status", "bad token ***"),
        ("not_json", "protocol", "not JSON"),
        ("no_status", "protocol", "no status"),
        ("slow", "timeout", "no answer in time"),
        ("drip", "timeout", "no answer in time"),
        ("cut", "truncated", "cut off"),
        ("cut_unannounced", "protocol", "not JSON"),
    ],
)
def test_each_fault_is_told_apart_in_one_line(cpanel: CpanelEmulator, fault: Fault, kind: str, word: str) -> None:
    cpanel.fault, cpanel.delay = fault, 3.0
    began = time.monotonic()
    error = _error(lambda: _client(cpanel).call("DomainInfo", "list_domains"))
    assert (error.kind, word in str(error)) == (kind, True), str(error)
    assert f"localhost:{cpanel.port}" in str(error)
    assert cpanel.token not in str(error)
    assert cpanel.token not in repr(error)
    assert time.monotonic() - began < 2.5
    if fault == "redirect":
        assert len(cpanel.seen) == 1  # the token went nowhere else


def test_a_wrong_token_is_refused(cpanel: CpanelEmulator) -> None:
    assert _error(lambda: prove_access(_client(cpanel, token="WRONG"))).kind == "refused_login"


def test_certificates_are_verified(cpanel: CpanelEmulator, tmp_path: Path) -> None:
    untrusted = _error(lambda: prove_access(_client(cpanel, ca_file=None)))
    assert untrusted.kind == "tls"
    assert "self-signed" in str(untrusted)
    assert "ca_file" in str(untrusted)
    for folder, options, word in (
        ("other", {"names": ("other.example",)}, "localhost"),
        ("expired", {"days": -1}, "expired"),
    ):
        with CpanelEmulator(tmp_path / folder, **options) as emulator:
            error = _error(lambda: prove_access(_client(emulator)))
            assert error.kind == "tls"
            assert word in str(error)
            assert emulator.seen == []  # the token was not sent to a server that is not trusted


def test_no_host_no_listener_no_tls(cpanel: CpanelEmulator) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        assert "refused" in str(_error(lambda: prove_access(_client(cpanel, port=port))))
    assert _error(lambda: prove_access(_client(cpanel, host="no-such-host.invalid"))).kind == "dns"
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def answer() -> None:
            with plain.accept()[0] as peer:
                peer.recv(10)
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert _error(lambda: prove_access(_client(cpanel, port=plain.getsockname()[1]))).kind == "tls"
        thread.join()


def test_a_download_is_streamed_whole(cpanel: CpanelEmulator) -> None:
    content = os.urandom(3_000_000)
    cpanel.add_log_archive("dinas.example-Nov-2026.gz", content, 1)
    digest = hashlib.sha256()
    with _client(cpanel).download_file("/home/dinas/logs/dinas.example-Nov-2026.gz") as stream:
        assert stream.length == len(content)
        sizes = []
        for chunk in stream:
            digest.update(chunk)
            sizes.append(len(chunk))
    assert digest.digest() == hashlib.sha256(content).digest()
    assert max(sizes) < 1_000_000
    cpanel.databases["dinas_web"] = b"-- Dump completed\n"
    with _client(cpanel).download("/getsqlbackup/dinas_web.sql.gz") as stream:
        assert gzip.decompress(b"".join(stream)) == b"-- Dump completed\n"
    assert _client(cpanel).call("Mysql", "list_databases")[0]["database"] == "dinas_web"


def test_a_cut_download_raises_when_its_length_was_announced(cpanel: CpanelEmulator) -> None:
    cpanel.databases["dinas_web"] = os.urandom(2_000_000)

    def fetch() -> int:
        with _client(cpanel).download("/getsqlbackup/dinas_web.sql.gz") as stream:
            return sum(len(chunk) for chunk in stream)

    whole = fetch()
    cpanel.fault = "cut"
    error = _error(fetch)
    assert error.kind == "truncated"
    assert str(whole) in str(error)
    # Without a Content-Length the client cannot know: `length` says so, and the caller proves the gzip whole.
    cpanel.fault = "cut_unannounced"
    with _client(cpanel).download("/getsqlbackup/dinas_web.sql.gz") as stream:
        half = b"".join(stream)
        assert stream.length is None
    with pytest.raises(EOFError):
        gzip.decompress(half)


def test_a_page_instead_of_a_file_is_refused(cpanel: CpanelEmulator) -> None:
    cpanel.fault = "login_page"

    def fetch() -> None:
        with _client(cpanel).download_file("/home/dinas/logs/x.gz"):
            raise AssertionError("a log-in page was taken for a file")

    assert _error(fetch).kind == "login_page"
    cpanel.fault = ""
    assert "404" in str(_error(fetch))


def test_the_token_is_in_no_text(cpanel: CpanelEmulator) -> None:
    client = _client(cpanel)
    account = Account(host="localhost", user="dinas", token=cpanel.token)
    assert cpanel.token not in repr(client) + repr(account) + str(vars(client).keys())
    cpanel.fault = "status_0_echo"
    try:
        client.call("DomainInfo", "list_domains")
    except CpanelError:
        assert cpanel.token not in traceback.format_exc()
    assert cpanel.token.encode() not in Path("/proc/self/cmdline").read_bytes()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"host": "https://x"}, "bare host name"),
        ({"host": ""}, "bare host name"),
        ({"port": 0}, "port"),
        ({"user": "a:b"}, "user"),
        ({"user": ""}, "user"),
        ({"token": "a\r\nX: y"}, "token"),
        ({"token": ""}, "token"),
        ({"ca_file": Path("/no/such/file")}, "ca_file"),
        ({"ca_file": Path(__file__)}, "ca_file"),
    ],
)
def test_bad_settings_are_told(cpanel: CpanelEmulator, changes: dict[str, Any], word: str) -> None:
    error = _error(lambda: _client(cpanel, **changes))
    assert error.kind == "settings"
    assert word in str(error)


def test_a_function_name_cannot_leave_its_place(cpanel: CpanelEmulator) -> None:
    assert _error(lambda: _client(cpanel).call("../x", "y")).kind == "settings"
    assert cpanel.seen == []
