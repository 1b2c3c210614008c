"""Rules as data: the order is the knowledge, every sign that is given is read, every sentence can be filled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reporting.diagnosis.model import Check, check
from reporting.diagnosis.rules import shipped

ENGINE = Path(__file__).resolve().parents[3] / "reporting" / "diagnosis"


def found(*signs: str, **facts: str) -> list[Check]:
    return [check(sign.partition(".")[0], "inside", "problem", sign, sign, sign, facts=facts) for sign in signs]


@pytest.mark.parametrize(
    ("signs", "rule"),
    [
        # a full disk explains a dead database, and that explains the page
        (["disk.full", "service.database_stopped", "http.database_error", "http.5xx"], "disk_full"),
        (["disk.read_only", "database.down", "http.5xx"], "read_only"),
        (["service.database_stopped", "service.stopped", "http.database_error", "http.500"], "database_down"),
        (["log.out_of_memory", "service.database_stopped", "service.stopped"], "memory"),
        (["cms.refused", "http.database_error", "http.5xx"], "cms_database_password"),
        (["http.database_error", "database.ok"], "cms_database_error"),
        (["http.database_error"], "database_error_page"),
        (["service.php_stopped", "service.stopped", "http.502", "http.5xx"], "php_down"),
        (["http.502", "http.5xx"], "gateway"),
        (["web.config_broken", "service.web_stopped", "tcp.refused", "service.stopped"], "web_config_down"),
        (["web.config_broken"], "web_config_pending"),
        (["tls.expired", "certificate.not_loaded"], "certificate_expired"),
        (["certificate.not_loaded"], "certificate_not_loaded"),
        (["dns.nxdomain", "access.dns"], "dns_nxdomain"),
        (["dns.no_answer", "access.dns"], "own_network"),
        (["tcp.timeout", "access.unreachable"], "host_down"),
        (["tcp.timeout"], "filtered"),
        (["tcp.timeout", "access.host_key"], "filtered"),
        (["access.unreachable"], "access"),
        (["tcp.refused"], "refused"),
        (["database.refused"], "database_password"),
        (["database.down", "database.refused"], "database_down"),
        (["log.permission", "http.403"], "permission"),
        (["http.403"], "client_error"),
        (["load.high", "http.slow"], "overloaded"),
        (["clock.off", "tls.expires_soon"], "clock"),
        (["never.heard"], "something"),
    ],
)  # fmt: skip
def test_the_likeliest_cause(signs: list[str], rule: str) -> None:
    cause = shipped().cause(found(*signs))
    assert cause is not None
    assert cause.rule == rule
    assert cause.evidence


def test_without_a_problem_there_is_no_cause() -> None:
    quiet = [check("http", "outside", "ok", "200", "200", "http.ok"), check("php", "inside", "unknown", "?", "?")]
    assert shipped().cause(quiet) is None


def test_a_sentence_quotes_the_facts_of_its_evidence() -> None:
    cause = shipped().cause(found("disk.full", mount="/var/lib/mysql", used="100", free="0"))
    assert cause is not None
    assert "/var/lib/mysql (100 % used, 0 MiB free)" in cause.en
    assert "/var/lib/mysql (terpakai 100 %, sisa 0 MiB)" in cause.id_text
    assert "{" not in cause.en + cause.id_text


def test_every_sign_that_a_rule_wants_is_given_by_some_check() -> None:
    code = "\n".join(path.read_text() for path in ENGINE.glob("*.py"))
    hosts = (ENGINE.parent / "hosts" / "site_diagnosis.py").read_text()
    rules = shipped()
    families = {  # signs that are put together: a family and its last words
        "http": {p.sign for p in rules.pages} | {"timeout", "redirect_loop", "empty_reply", "no_connection", "other"},
        "log": {p.sign for p in rules.log_lines},
        "tcp": {"refused", "timeout", "no_route", "failed", "partly"},
        "dns": {"nxdomain", "no_address", "no_answer", "server_failure"},
        "access": {"host_key", "dns", "refused", "unreachable", "other"},
        "database": {"refused", "no_database", "down", "unknown_host", "other", "ok"},
        "cms": {"refused", "no_database", "down", "unknown_host", "other", "ok"},
    }  # fmt: skip
    for rule in rules.causes:
        for sign in (*rule.when.all, *rule.when.any, *rule.when.none):
            family, _, word = sign.partition(".")
            known = f'"{sign}"' in code + hosts or word in families.get(family, set())
            assert known or (family == "http" and re.fullmatch(r"\d{3}", word)), f"{rule.id}: nobody gives {sign}"


def test_every_sign_of_a_problem_is_read_by_some_rule() -> None:
    rules = shipped()
    read = {sign for rule in rules.causes for sign in (*rule.when.all, *rule.when.any)}
    assert {f"http.{p.sign}" for p in rules.pages} <= read
    assert {f"log.{p.sign}" for p in rules.log_lines} <= read
    code = "\n".join(path.read_text() for path in ENGINE.glob("*.py"))
    families = "dns|tcp|tls|http|disk|inodes|quota|usage|service|database|cms|php|web|certificate|clock|load|memory"
    given = set(re.findall(rf'"((?:{families})\.[a-z_]+)"', code))
    good = {sign for sign in given if sign.endswith((".ok", "_ok"))}
    assert given - good <= read


def test_the_sentences_differ_and_are_two_languages() -> None:
    rules = shipped().causes
    assert len({rule.id for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.en != rule.id_text
        assert set(re.findall(r"\{(\w+)\}", rule.en)) == set(re.findall(r"\{(\w+)\}", rule.id_text)), rule.id


@pytest.mark.parametrize(
    ("line", "sign"),
    [
        ("[crit] 1#1: *1 connect() to unix:/run/php/php8.2-fpm.sock failed (2: No such file)", "connection_refused"),
        ("[error] 1#1: *1 connect() failed (111: Connection refused) while connecting", "connection_refused"),
        ("PHP Fatal error:  Uncaught Error: Call to undefined function x() in /var/www/x.php:1", "fatal"),
        ("PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate", "php_memory"),
        ("[ERROR] InnoDB: preallocating 65536 bytes for file ./x failed with error 28", "disk_full"),
        ("pwrite() failed (28: No space left on device)", "disk_full"),
        ("Access denied for user 'wordpress'@'localhost' (using password: YES)", "database_refused"),
        ('open() "/var/www/x" failed (13: Permission denied)', "permission"),
        ('open() "/var/www/favicon.ico" failed (2: No such file or directory)', None),
        ("[notice] signal process started", None),
    ],
)  # fmt: skip
def test_lines_of_logs_are_classified(line: str, sign: str | None) -> None:
    pattern = shipped().of_line(line)
    assert (pattern.sign if pattern else None) == sign
