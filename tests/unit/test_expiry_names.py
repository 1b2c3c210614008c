"""Names, the bootstrap registry, and answers that are read without asking anybody."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reporting.expiry.bootstrap import BootstrapError, base_url, read_bootstrap
from reporting.expiry.model import doubtful
from reporting.expiry.names import ascii_name, host_name, same_name
from reporting.expiry.rdap import Registry, look
from reporting.expiry.whois import WhoisError, read_answer
from reporting.service import Service, Watch


def test_names() -> None:
    assert ascii_name(" LPMP.Example.ID. ") == "lpmp.example.id"
    assert ascii_name("bücher.example") == "xn--bcher-kva.example"
    assert same_name("XN--BCHER-KVA.example", "xn--bcher-kva.example")
    assert host_name("LOCALHOST") == "localhost"
    assert host_name("[::1]") == "::1"


@pytest.mark.parametrize(
    "text", ["", "id", "a..id", "-a.id", "a b.id", "a/b.id", ".".join(["abcdefgh"] * 30), "x" * 64 + ".id"]
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match="is no domain name"):
        ascii_name(text)
    assert not same_name(text, text)


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_is_refused(text: str) -> None:
    try:
        name = ascii_name(text)
    except ValueError:
        return
    assert name.isascii()
    assert ascii_name(name) == name


def test_the_shipped_registry_is_in_ianas_format_and_dated() -> None:
    content = json.loads((Path("reporting/expiry/rdap_dns.json")).read_text()) if Path("reporting").is_dir() else {}
    assert not content or (content["version"], datetime.fromisoformat(content["publication"]).tzinfo) == ("1.0", UTC)
    shipped = read_bootstrap()
    assert base_url("lpmp.go.id", shipped, {}) == "https://rdap.pandi.id/rdap/"
    assert {"com", "net", "org", "info", "biz"} <= set(shipped)
    assert all(urlsplit(url).scheme == "https" and url.endswith("/") for urls in shipped.values() for url in urls)


def test_the_longest_ending_wins_and_an_override_before_all() -> None:
    registry = {"id": ("https://id/",), "go.id": ("http://plain/", "https://go/")}
    assert base_url("lpmp.go.id", registry, {}) == "https://go/"
    assert base_url("lpmp.id", registry, {}) == "https://id/"
    assert base_url("lpmp.go.id", registry, {".GO.id": "https://own/"}) == "https://own/"
    assert base_url("lpmp.test", registry, {}) is None
    assert base_url("go.id", registry, {}) == "https://id/"  # the name itself is no ending
    with pytest.raises(BootstrapError, match="is no https:// address"):
        base_url("lpmp.id", registry, {"id": "ftp://x/"})


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"services": {}}', '{"services": [["id"]]}', '{"services": [[[], []]]}']
)
def test_a_broken_bootstrap_file_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "dns.json").write_text(content)
    with pytest.raises(BootstrapError, match=r"dns\.json: (not a bootstrap registry|names no service)"):
        read_bootstrap(tmp_path / "dns.json")
    with pytest.raises(BootstrapError, match=r"nosuch\.json: No such file"):
        read_bootstrap(tmp_path / "nosuch.json")


def test_a_name_that_nobody_serves() -> None:
    found = look(Watch(method="rdap", name="lpmp.test"), datetime.now(UTC), limits=None, registry=Registry())  # type: ignore[arg-type]
    assert found.reason == "no RDAP server is known for lpmp.test: set base_url, or use method whois or manual"


NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ends", "doubt"),
    [
        ("2026-11-21", ""),
        ("2025-11-22", ""),
        ("2025-11-20", "year back"),
        ("2046-11-01", ""),
        ("2047-01-01", "20 years ahead"),
    ],
)
def test_dates_that_cannot_be_believed(ends: str, doubt: str) -> None:
    found = doubtful(datetime.fromisoformat(f"{ends}T00:00:00+00:00"), NOW)
    assert (doubt in found) if doubt else found == ""


JAKARTA = ZoneInfo("Asia/Jakarta")
NINTH = datetime(2027, 3, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("Expiration Date:09-Mar-2027 10:10:10 UTC", NINTH.replace(hour=10, minute=10, second=10)),
        ("Registry Expiry Date: 2027-03-09T10:10:10Z", NINTH.replace(hour=10, minute=10, second=10)),
        ("Registry Expiry Date: 2027-03-09T10:10:10.0Z", NINTH.replace(hour=10, minute=10, second=10)),
        ("Expiry Date: 2027-03-09T17:10:10+07:00", NINTH.replace(hour=10, minute=10, second=10)),
        ("expires: 2027-03-10 06:59:59", NINTH.replace(hour=23, minute=59, second=59)),
        ("expires: 2027-03-09 23:59:59 WIB", NINTH.replace(hour=16, minute=59, second=59)),
        ("Expires On..........: 2027-03-10", NINTH.replace(hour=17)),
        ("paid-till: 2027.03.10", NINTH.replace(hour=17)),
        ("expire: 10.03.2027", NINTH.replace(hour=17)),
        ("Renewal date: 10-Mar-2027", NINTH.replace(hour=17)),
        ("expires: March 10 2027", NINTH.replace(hour=17)),
        ("expires: 20270310", NINTH.replace(hour=17)),
        ("Registrar Registration Expiration Date: 2027-03-09T00:00:00Z", NINTH),
        ("Registry Expiry Date: 2027-03-09T00:00:00Z\nRegistrar Registration Expiration Date: 2028-01-01", NINTH),
        ("expires: 2027-03-09T00:00:00Z\n   Expiry Date: 2027-03-09T07:00:00+07:00", NINTH),
    ],
)
def test_ends_as_registries_write_them(line: str, ends: datetime) -> None:
    for break_ in ("\n", "\r\n"):
        text = f"% hello\nDomain Name: LPMP.id\n{line}\nStatus: ok\n".replace("\n", break_)
        assert read_answer(text, "lpmp.id", JAKARTA) == (ends, ("ok",))


@pytest.mark.parametrize("value", ["03/04/2027", "2027", "soon", "09-Mar", "9999-12-31", "0001-01-01", "32-Mar-2027"])
def test_ends_that_cannot_be_read_with_certainty(value: str) -> None:
    with pytest.raises(WhoisError, match="is no date"):
        read_answer(f"Domain: lpmp.id\nexpires: {value}", "lpmp.id", UTC)


@given(st.text(max_size=400))
def test_any_whois_text_is_an_end_or_a_reason(text: str) -> None:
    for whole in (text, f"Domain: lpmp.id\nexpires: {text}"):
        with contextlib.suppress(WhoisError):
            ends, _ = read_answer(whole, "lpmp.id", JAKARTA)
            assert ends.tzinfo is not None


@pytest.mark.parametrize(
    "watch",
    [
        {"method": "rdap", "name": "{{ 7*7 }}"}, {"method": "rdap"}, {"method": "rdap", "name": "a.id\n"},
        {"method": "rdap", "name": "a.id", "base_url": "ftp://x"}, {"method": "tls", "name": "a.id", "port": 0},
        {"method": "rdap", "name": "a.id", "base_url": "https://x/{{ 1 }}"}, {"method": "ping", "name": "a.id"},
        {"method": "whois", "name": "a.id", "server": "x; id"}, {"method": "tls", "name": "a.id", "ca_file": "{{ 1 }}"},
    ],
)  # fmt: skip
def test_what_could_be_a_template_or_is_incomplete_is_refused(watch: dict[str, Any]) -> None:
    raw = {"id": "a", "kind": "domain", "name": "a", "provider": {"name": "PT"}, "cost": 1, "watch": watch}
    with pytest.raises(ValidationError):
        Service.model_validate(raw)
