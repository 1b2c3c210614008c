"""Each rule with its own examples; recall and false alarms on labelled and real requests."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from importlib import resources
from urllib.parse import quote
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from reporting.visitor_log import detect
from reporting.visitor_log.analyse import analyse, plain_file
from reporting.visitor_log.rules import Rule, RuleError, built_in, class_label, read_rules
from tests.unit.visitor_log.test_parse import DATA
from tests.unit.visitor_log.test_tally import source

RULES = built_in()
ZONE = ZoneInfo("Asia/Jakarta")


def line(
    request: str, client: str = "192.0.2.1", status: int = 404, agent: str = "Mozilla/5.0", at: str = "08:00:00"
) -> str:
    return f'{client} - - [22/Nov/2026:{at} +0700] "{request}" {status} 10 "-" "{agent}"\n'


def found(*lines: str) -> dict[str, detect.Suspicion]:
    return {one.suspect: one for one in analyse([source("a", "".join(lines).encode())], ZONE).suspicions}


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_a_rule_matches_its_example_and_no_rule_matches_the_other(rule: Rule) -> None:
    text = pl.DataFrame({"text": [detect.decode(rule.match), detect.decode(rule.no_match)]})
    assert text.select(rule.hits())["text"].to_list() == [True, False]
    assert rule.suspect in detect.classify(pl.Series([rule.match]), rule.field, RULES)["suspect"].to_list()
    assert detect.classify(pl.Series([rule.no_match]), rule.field, RULES).is_empty()


def test_every_class_has_a_rule_and_labels_in_both_languages() -> None:
    assert {rule.suspect for rule in RULES.rules} == set(RULES.classes)
    assert all(class_label(c, "en") != class_label(c, "id") for c in RULES.classes)
    assert class_label("of_an_older_version") == "of an older version"


# Floors under what was seen when the rules were written (sqli .998, xss .977, cmdi .86, path-traversal .78): a rule
# that breaks falls through them, a payload more or less does not. Many "path-traversal" values of that set are no more
# than a row of letters or slashes.
FLOORS = {"sqli": 0.95, "xss": 0.93, "cmdi": 0.75, "path-traversal": 0.6}
CLASS_OF = {"sqli": "sql_injection", "xss": "xss", "cmdi": "command_injection", "path-traversal": "path_traversal"}


@pytest.fixture(scope="module")
def labelled() -> list[tuple[str, set[str]]]:
    with (DATA / "http_params_payloads_half.csv").open(newline="", encoding="utf-8") as stream:
        rows = [(row["attack_type"], row["payload"]) for row in csv.DictReader(stream)]
    requests = [f"GET /cari?q={quote(payload, safe='')} HTTP/1.1" for _, payload in rows]
    classes: defaultdict[str, set[str]] = defaultdict(set)
    for raw, suspect in detect.classify(pl.Series(requests), "request", RULES).iter_rows():
        classes[raw].add(suspect)
    return [(kind, classes[request]) for (kind, _), request in zip(rows, requests, strict=True)]


@pytest.mark.parametrize("kind", FLOORS)
def test_recall_on_labelled_payloads(kind: str, labelled: list[tuple[str, set[str]]]) -> None:
    mine = [classes for label, classes in labelled if label == kind]
    assert sum(CLASS_OF[kind] in classes for classes in mine) / len(mine) >= FLOORS[kind]


def test_false_alarms_on_labelled_values(labelled: list[tuple[str, set[str]]]) -> None:
    alarms = [classes for label, classes in labelled if label == "norm" and classes]
    assert len(alarms) <= 0.001 * sum(label == "norm" for label, _ in labelled)


def test_false_alarms_on_a_real_log() -> None:
    """None of its 10,000 lines is an attack."""
    hits = analyse([plain_file(DATA / "elastic_apache_logs.log")], ZONE).suspicions
    assert sum(one.hits for one in hits) <= 5, hits


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("GET /?q=%253Cscript%253E", "get /?q=<script>"),
        ("GET /?q=a+b%2Bc", "get /?q=a b c"),
        (r"GET /?q=\x22\x3c", 'get /?q="<'),
        ("GET /?q=%u003Cscript", "get /?q=<script"),
        (r"GET /?q=\"x\"", 'get /?q="x"'),
        ("GET /?q=%ff", "get /?q=\ufffd"),
        ("GET /%", "get /%"),
    ],
)
def test_decoding(raw: str, text: str) -> None:
    assert detect.decode(raw) == text


def test_hits_clients_and_success() -> None:
    attack = "GET /x?id=1+union+select+1,2 HTTP/1.1"
    one = found(
        line(attack, "192.0.2.1"),
        line(attack, "192.0.2.2", 200),
        line(attack, "192.0.2.2", 500),
        line("GET / HTTP/1.1"),
    )["sql_injection"]
    assert (one.hits, one.clients, one.answered, one.failed, one.severity) == (3, 2, 1, 1, "high")
    assert one.samples[0].startswith("192.0.2.2 2026-11-22 08:00:00 ")
    assert "-> 200" in one.samples[0]


def test_unanswered_attacks_are_less_severe() -> None:
    assert found(line("GET /x?id=1+union+select+1,2 HTTP/1.1"))["sql_injection"].severity == "medium"


def test_one_line_may_be_of_two_classes_and_counts_once_in_each() -> None:
    seen = found(line("GET /?a=<script>&b=../../etc/passwd HTTP/1.1"))
    assert {c: one.hits for c, one in seen.items()} == {"xss": 1, "path_traversal": 1}


def test_agents_are_looked_at() -> None:
    seen = found(line("GET / HTTP/1.1", agent="sqlmap/1.7"), line("GET / HTTP/1.1", agent="${jndi:ldap://x}"))
    assert set(seen) == {"scanner", "command_injection"}
    assert "sqlmap/1.7" in seen["scanner"].samples[0]


def test_a_page_that_answers_does_not_make_an_attack_in_the_agent_succeed() -> None:
    one = found(line("GET / HTTP/1.1", status=200, agent="${jndi:ldap://x}"))["command_injection"]
    assert (one.answered, one.severity) == (0, "high")


@pytest.mark.parametrize(("attempts", "seen"), [(19, False), (20, True)])
def test_log_in_attempts_count_per_client_and_day(attempts: int, seen: bool) -> None:
    login = "POST /wp-login.php HTTP/1.1"
    lines = [line(login, "192.0.2.9", 200, at=f"08:00:{n:02}") for n in range(attempts)]
    others = [line(login, f"192.0.2.{n}", 200) for n in range(100, 140)]
    hits = found(*lines, *others)
    assert ("login_brute_force" in hits) is seen
    if seen:
        assert (hits["login_brute_force"].hits, hits["login_brute_force"].clients) == (20, 1)


def test_attempts_of_two_chunks_are_added_up() -> None:
    login = [line("POST /xmlrpc.php HTTP/1.1", "192.0.2.9") for _ in range(20)]
    halves = [source("a", "".join(login[:10]).encode()), source("b", "".join(login[10:]).encode())]
    assert [one.suspect for one in analyse(halves, ZONE).suspicions] == ["login_brute_force"]


def test_findings_keep_their_fingerprint() -> None:
    first, second = (
        analyse([source("a", line(f"GET /{n}?q=<script>alert({n}) HTTP/1.1").encode())], ZONE) for n in (1, 2)
    )
    prints = [f.fingerprint for a, site in ((first, "s1"), (second, "s1"), (first, "s2")) for f in a.findings(site)]
    assert prints[0] == prints[1] != prints[2]


def test_samples_are_harmless_and_few() -> None:
    lines = [line(f"GET /{n}?q=<script>\x1b[2J\u202e HTTP/1.1") for n in range(9)]
    one = found(*lines)["xss"]
    assert (one.hits, len(one.samples)) == (9, 5)
    assert not Counter("".join(one.samples)).keys() & {"\x1b", "\u202e"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("class: xss", "class: nonsense"), "not among the classes"),
        (("pattern: '<", "pattern: '(<"), "not a regular expression"),
        (("id: sqli-waitfor", "id: sqli-stacked"), "used twice"),
        (("severity: low", "severity: awful"), "severity"),
        (("rules:", "rules: ["), "not valid YAML"),
        ((r"pattern: '\bwaitfor", r"pattern: '[\d]\bwaitfor"), "inside brackets"),
    ],
)
def test_a_broken_rule_file_is_refused_in_one_line(change: tuple[str, str], says: str) -> None:

    text = resources.files("reporting.visitor_log").joinpath("rules.yml").read_text(encoding="utf-8")
    assert change[0] in text
    with pytest.raises(RuleError, match=says) as caught:
        read_rules(text.replace(*change, 1))
    assert "\n" not in str(caught.value)
