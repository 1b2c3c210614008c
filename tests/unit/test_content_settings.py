"""Settings: one line names section, key and what is expected. Documents: within the contract whatever a site says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reporting.content.check import Checked
from reporting.content.fetch import Failure, Reply
from reporting.content.record import Outcome, document, findings, record, write_record
from reporting.content.settings import Section, SettingsError, read_plan
from reporting.content.sources import is_below, rest_address, rest_resource, same_site
from reporting.content.state import Memory, StateError
from reporting.contract import Requirement, validate_document

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {"name": "Berita", "url": "https://dinas.example/berita/", "owner": "Humas", "limit_days": 14}


def test_addresses_may_be_relative() -> None:
    plan = read_plan(
        {"site": "dinas", "sections": [GOOD | {"url": "/berita/", "feed": "feed.xml"}]}, "https://dinas.example/x/"
    )
    assert plan.sections[0].url == "https://dinas.example/berita/"
    assert plan.sections[0].feed == "https://dinas.example/x/feed.xml"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "ftp://x/"}, ["(Berita).url", "http://"]),
        ({"url": "/berita/"}, ["(Berita).url", "http://"]),
        ({"url": "https://u:p@x/"}, ["url", "password"]),
        ({"url": "https://x:99999/"}, ["url"]),
        ({"url": "https://x/a b"}, ["url", "blanks"]),
        ({"limit_days": 0}, ["limit_days"]),
        ({"limit_days": "soon"}, ["limit_days"]),
        ({"owner": ""}, ["owner"]),
        ({"methode": "feed"}, ["methode", "Extra"]),
        ({"method": "guess"}, ["method", "auto"]),
        ({"name": "x\x1b[31m", "limit_days": 0}, ["limit_days"]),
    ],
)
def test_a_wrong_setting_is_named(change: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        read_plan({"site": "dinas", "sections": [GOOD | change]})
    text = str(caught.value)
    assert all(word in text for word in [*words, "content_status_sections[0]"]), text
    assert "\n" not in text
    assert "\x1b" not in text


def test_an_empty_address_is_the_site_itself() -> None:
    plan = read_plan({"site": "dinas", "sections": [GOOD | {"url": ""}]}, "https://dinas.example.go.id/x/")
    assert plan.sections[0].url == "https://dinas.example.go.id/x/"
    with pytest.raises(SettingsError, match="url"):
        read_plan({"site": "dinas", "sections": [GOOD | {"url": ""}]})


def test_no_sections_and_names_used_twice() -> None:
    for sections, word in (([], "at least one"), ("x", "at least one"), ([GOOD, GOOD], "twice"), ([3], "[0]")):
        with pytest.raises(SettingsError, match=word.replace("[", r"\[")):
            read_plan({"site": "dinas", "sections": sections})


def test_sites_and_places_below() -> None:
    assert same_site("https://www.dinas.example/a", "http://dinas.example/b")
    assert not same_site("https://dinas.example:8443/", "https://dinas.example/")
    assert not same_site("https://dinas.example.evil/", "https://dinas.example/")
    assert is_below("https://dinas.example/berita/x/", "https://dinas.example/berita")
    assert not is_below("https://dinas.example/berita-lama/", "https://dinas.example/berita/")
    assert not is_below("https://dinas.example/x/", "https://dinas.example/?cat=3")
    assert not is_below("http://[bad", "https://dinas.example/")


def test_rest_addresses_for_both_kinds_of_permalinks() -> None:
    assert rest_address("https://x/wp-json/", "wp/v2/posts", {"a": "1"}) == "https://x/wp-json/wp/v2/posts?a=1"
    plain = rest_address("https://x/index.php?rest_route=/", "wp/v2/posts", {"a": "1"})
    assert plain == "https://x/index.php?rest_route=%2Fwp%2Fv2%2Fposts&a=1"
    assert rest_resource("https://x/wp-json/wp/v2/categories/3") == ("categories", 3)
    assert rest_resource("https://x/?rest_route=/wp/v2/pages/12") == ("pages", 12)
    assert rest_resource("https://x/wp-json/wp/v2/categories/x;rm") is None


def _checked(section: Section, state: Any = "stale", **more: Any) -> Checked:
    reply = Reply(
        section.url, section.url, 200, "text/html", b"", truncated=False, milliseconds=12.5, tls_expires_at=None
    )
    return Checked(section, more.pop("reply", reply), state=state, reason=more.pop("reason", "old"), **more)


def _outcome(results: list[Checked]) -> Outcome:
    return Outcome(results, read_plan({"site": "dinas", "sections": [GOOD]}), NOW)


def test_fingerprints_are_stable_and_tell_causes_apart() -> None:
    section = Section(**GOOD)
    first = findings(_outcome([_checked(section, reason="10 days")]))
    later = findings(_outcome([_checked(section, reason="11 days")]))
    assert [f.kind for f in first] == ["stale_section"]
    assert first[0].fingerprint == later[0].fingerprint
    gone = findings(_outcome([_checked(section, "unreachable")]))
    assert gone[0].fingerprint != first[0].fingerprint


@pytest.mark.parametrize(
    ("days", "kind", "severity"),
    [
        (29, "tls_expires_soon", "medium"),
        (3, "tls_expires_soon", "high"),
        (-1, "tls_expired", "critical"),
        (31, None, None),
    ],
)
def test_a_certificate_is_one_finding_a_host(days: int, kind: str | None, severity: str | None) -> None:
    ends = NOW + timedelta(days=days)
    sections = [Section(**GOOD | {"name": str(n), "url": f"https://dinas.example/{n}/"}) for n in range(3)]
    found = findings(_outcome([_checked(s, "fresh", tls_expires_at=ends) for s in sections]))
    assert [(f.kind, f.severity) for f in found] == ([(kind, severity)] if kind else [])


def test_no_section_at_all_is_no_output(tmp_path: Path) -> None:
    section = Section(**GOOD)
    lost = Reply(section.url, section.url, None, "", b"", truncated=False, milliseconds=0, tls_expires_at=None,
                 failure=Failure("dns", "DNS"))  # fmt: skip
    access = Requirement(name="site_access", ok=True, reason="seen")
    none = _outcome([_checked(section, "unreachable", reply=lost, reason="DNS")])
    output = write_record(tmp_path, record(none))
    assert "none of the 1 sections" in document(none, [access], output)["output_problems"][0]
    some = _outcome([*none.results, _checked(section, "unknown")])
    assert document(some, [access], output)["output_problems"] == []


def test_records_are_never_overwritten(tmp_path: Path) -> None:
    content = record(_outcome([_checked(Section(**GOOD))]))
    names = [write_record(tmp_path, content).path for _ in range(3)]
    assert names == ["content-status.json", "content-status-2.json", "content-status-3.json"]
    assert json.loads((tmp_path / names[0]).read_text())["sections"][0]["state"] == "stale"


def test_the_largest_site_fits_the_contract() -> None:
    sections = [
        Section(**GOOD | {"name": f"Seksi {n}", "url": f"https://dinas.example/{n}/{'x' * 200}"}) for n in range(300)
    ]
    whole = _outcome([_checked(s, "unreachable", reason="\x1b" * 2_000) for s in sections])
    made = validate_document(document(whole, [Requirement(name="site_access", ok=True)], None, ["no file"]))
    assert made.measures is not None
    assert made.findings_total == 300
    with pytest.raises(SettingsError, match="bytes together"):
        read_plan(
            {"site": "x", "sections": [GOOD | {"name": str(n), "url": "https://x/" + "y" * 900} for n in range(300)]}
        )


def test_memory_survives_and_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state" / "dinas.json"
    memory = Memory.load(path)
    assert memory.note("u", "a", NOW).changed is False
    assert memory.save(path)
    again = Memory.load(path)
    assert again.note("u", "a", NOW + timedelta(days=3)).since == NOW
    assert not again.save(path)  # nothing new: the file is left alone
    assert again.note("u", "b", NOW + timedelta(days=4)).changed is True
    for broken in ("{", "[]", '{"version": 9, "seen": {}}', '{"version": 1, "seen": {"u": {}}}', "\xff"):
        path.write_text(broken, encoding="latin-1")
        with pytest.raises(StateError, match="move it away"):
            Memory.load(path)
