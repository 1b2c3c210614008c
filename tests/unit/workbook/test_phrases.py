"""What engines and roles say in English reaches management in Indonesian, names and paths as they are on record."""

from __future__ import annotations

import ast
import errno
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import reporting
from reporting.backup_set import medium
from reporting.backup_set.commands import database_refusal, tar_problems
from reporting.backup_set.privileges import missing, read_grants
from reporting.backup_set.request import MariadbRequest
from reporting.compliance.messages import joined
from reporting.hosts import access
from reporting.runner.document import killed_document, missing_document
from reporting.runner.track import SiteTrack
from reporting.workbook.phrases import PHRASES, told

SOURCE = Path(reporting.__file__).parent
ENGLISH = frozenset(
    {
        *(
            "a",
            "after",
            "again",
            "all",
            "an",
            "and",
            "another",
            "are",
            "at",
            "be",
            "before",
            "but",
            "by",
            "cannot",
            "each",
        ),
        *(
            "from",
            "had",
            "has",
            "is",
            "it",
            "its",
            "no",
            "not",
            "of",
            "on",
            "or",
            "such",
            "than",
            "that",
            "the",
            "there",
        ),
        *("they", "this", "to", "was", "were", "when", "which", "with", "within", "without"),
        *("expected", "missing", "nothing", "read", "said", "saved", "written"),
    }
)
_WORD = re.compile(r"(?<![\w/.`'-])[a-z]+(?![\w/`'-])")
_BLANK = re.compile(r"\{n?\}")
MODULES = (
    *(f"backup_set/{name}.py" for name in ("medium", "store", "draft", "draftfiles", "tarstream", "tarcommands")),
    *(f"backup_set/{name}.py" for name in ("sqlstream", "commands", "privileges", "postgres", "listing", "plan")),
    *(f"backup_set/{name}.py" for name in ("bases", "packer", "readback", "treewriter", "request", "request_cpanel")),
    *(f"hosts/backup_{name}.py" for name in ("host", "databases", "mariadb", "postgres", "sqlite", "tree")),
    *("hosts/backup_environment.py", "hosts/cpanel_backup.py", "hosts/site_backup.py"),
    *("hosts/access.py", "hosts/cpanel.py", "hosts/stream.py", "hosts/log_hosts.py"),
    *("content/check.py", "content/fetch.py", "content/record.py"),
    *("visitor_log/activity.py", "visitor_log/collect.py", "visitor_log/shell.py", "visitor_log/state.py"),
    *("runner/document.py", "runner/track.py"),
    *(f"../plugins/action/{name}.py" for name in ("content_check", "site_access_probe", "site_backup")),
    *(f"../plugins/action/{name}.py" for name in ("backup_medium_probe", "site_backup_cpanel", "visitor_log_collect")),
    "../plugins/filter/laman_media.py",
)
NOT_FOR_THE_WORKBOOK = (  # strings of these modules that no reason, problem or proof ever holds
    *(
        "SELECT ",
        "LC_ALL=",
        "command -v",
        "readlink -f",
        "if [ ! -e ",
        "{ look",
        "for f in",
        "exec 3<&0",
        "^tar: ",
        "^GRANT ",
    ),
    *("HAS CHANGED|", "verification failed|", "Could not resolve hostname|", "Permission denied|", "No route to host|"),
    *("9: no answer in time9", " during task: ", " before its first task"),
    *("ended at the time limit", "interrupted by the operator"),  # tested as a whole below
    *("timed out|", "Connection (reset"),  # what ssh says
    "No space left on device",  # the operating system's own words, in Python's shape
    "SQLite online backup, the database file itself",  # how a part was taken: in the set's MANIFEST.json
    *("full backup on the host", "it is still listed"),  # progress; a finding with an Indonesian text of its own
    *("were gone before they could be read", "changed while they were read, and", "are damaged in set 9, read"),
    *("left out by setting", "which the settings accept"),  # so have these
    *("is not written yet", "is not stored yet"),  # the engine's own mistakes
    *("%f %s:", "^(?:find|stat): ", "set --; for p"),  # patterns and shell
    " after 9 s",  # pieces of messages that have phrases as a whole
    "9 by 9",
    *("an older copy of ", "nothing new"),  # notes of the collection: in the evidence
    "the certificate expires on ",  # these findings have their own Indonesian text
)
SAID_BY_OTHERS = {"does not exist", "no crontab for", "no password supplied", "no pg_hba.conf entry"} | {
    "No such file or directory"
}  # whole texts that an engine looks for in what a program said


def english(text: str) -> set[str]:
    """The English words that are left in a text; paths and quoted commands do not count."""
    return set(_WORD.findall(text)) & ENGLISH


def filled(phrase: str) -> tuple[str, list[str]]:
    values = ["9" if blank == "{n}" else f"/srv/n{number}" for number, blank in enumerate(_BLANK.findall(phrase))]
    texts = iter(values)
    return _BLANK.sub(lambda _: next(texts), phrase), values


@pytest.mark.parametrize("phrase", sorted(PHRASES))
def test_every_phrase_is_found_and_keeps_what_is_in_its_blanks(phrase: str) -> None:
    example, values = filled(phrase)
    said = told(f"x{example}" if phrase[0] in ": ,.(" else example, "id")
    assert said.endswith(PHRASES[phrase].format(*values)), said
    assert english(said) == set(), said
    assert told(example, "en") == example


@pytest.mark.parametrize("phrase", sorted(PHRASES))
def test_every_phrase_has_as_many_blanks_in_both_languages(phrase: str) -> None:
    assert len(_BLANK.findall(phrase)) == PHRASES[phrase].count("{}")


def test_no_phrase_outlives_the_message_it_was_for() -> None:
    """Each phrase still stands in the source of an engine, a role or a command, up to its blanks."""
    files = [
        *SOURCE.rglob("*.py"),
        *(SOURCE.parent / "plugins").rglob("*.py"),
        *(SOURCE.parent / "roles").rglob("*.yml"),
    ]
    texts = [" ".join(strings(path)) for path in files if path.suffix == ".py" and path.parent.name != "workbook"]
    texts += [" ".join(path.read_text("utf-8").split()) for path in files if path.suffix == ".yml"]
    whole = re.sub(r"\s+", " ", " ".join(texts))
    # earlier versions (their ledgers are still read), SQLite, compliance; what an engine puts together from pieces
    spoken_by_others = {
        *("unable to open database file", "log access: ", ": no answer in time after {n} s"),
        *("no date was found by ", "only dates in the future were found by "),
        "read back from the medium: SHA-256 equal, decompressed, every member equal",
        ": does not agree with the archive at member ",
        "this role reads the site over ssh or local only",
        "ask the provider for SSH access, or record a backup made by hand",
        *(p for p in PHRASES if p.startswith(("ended at", "interrupted by")) or p.endswith("(it said: nothing)")),
    }
    stale = [
        phrase
        for phrase in PHRASES.keys() - spoken_by_others
        for piece in _BLANK.split(phrase)
        if piece.strip(" :;,.()") and piece.strip(" :;,.()") not in whole
    ]
    assert stale == []


def strings(path: Path) -> Iterator[str]:
    """The texts of a module that are no docstrings; 9 stands for what is put in."""
    tree = ast.parse(path.read_text("utf-8"))
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            inner.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            inner |= {id(part) for part in node.values}
        elif isinstance(node, ast.Call) and _is_for_the_evidence(node):
            inner |= {id(part) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in inner:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "9" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _is_for_the_evidence(call: ast.Call) -> bool:
    """Notes of a content check: they stand in its record, not in the document. Findings say it in both languages."""
    name = ast.unparse(call.func)
    return name.endswith((".notes.append", "notes.append", "SourceError")) or name in {
        "_content",
        "SettingsError",
        "finding",
    }


@pytest.mark.parametrize("module", MODULES)
def test_every_message_of_the_engines_has_its_phrase(module: str) -> None:
    found = [text for text in strings(SOURCE / module) if english(text) and " " in text.strip()]
    for text in found:
        if (
            "\n" in text or text in SAID_BY_OTHERS or any(part in text for part in NOT_FOR_THE_WORKBOOK)
        ):  # lines of shell
            continue
        whole = re.sub(r"([a-z])9$", r"\1 9", f"x {text}" if text[0].islower() else text)
        assert english(told(whole, "id")) == set(), text


def test_findings_of_a_backup_say_it_in_indonesian() -> None:
    said: dict[str, list[str]] = {}
    for path in (SOURCE / "hosts").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "finding":
                given = {word.arg: ast.unparse(word.value) for word in call.keywords}
                said.setdefault(path.stem, []).append(f"{given['title_id']} {given.get('detail_id', '')}")
    assert {name: len(texts) for name, texts in said.items()} == {
        "backup_databases": 1,
        "backup_mariadb": 1,
        "backup_postgres": 1,
        "backup_tree": 3,
        "cpanel_backup": 2,
    }
    for text in (text for texts in said.values() for text in texts):
        assert english(re.sub(r"\{.*?\}", "", text)) == set(), text


def test_every_way_in_that_fails_is_explained() -> None:
    for said in ("HAS CHANGED", "Connection refused", "Permission denied", "No route to host", "Connection reset by"):
        told_ = told(access.explain_failure(said, "ssh"), "id")
        assert english(re.sub(r"\(pesan: .*\)", "", told_)) == set()
    for _, meaning in access._SSH_SAYS:
        assert english(told(f"ssh: {meaning} (said: banner)", "id")) == set()
    probe = access.Probe("", "proof")
    answers = ("", "proof\ntool tar\nabsent 0\nunreadable 1\nlaman-access-end", "proof\nlaman-access-end")
    for answer in answers:
        _, reason = access.read_answer(probe, answer, ["tar"], ["/srv/was", "/srv/not"], "ssh")
        assert english(told(reason, "id")) == set()


def test_a_medium_is_told_in_indonesian(tmp_path: Path) -> None:
    spec = medium.MediumSpec(id="disk-a", kind="hard_disk", path=str(tmp_path), declared_folder=True)
    reasons = [medium.probe(spec, medium.Needs()).reason]
    (tmp_path / medium.IDENTITY).write_text('{"id": "other"}')
    reasons.append(medium.probe(spec, medium.Needs()).reason)
    (tmp_path / medium.IDENTITY).write_text('{"id": "disk-a"}')
    reasons += [
        medium.probe(spec, medium.Needs()).reason,
        medium.probe(spec, medium.Needs(minimum_bytes=1 << 60)).reason,
    ]
    for number in (errno.ENOSPC, errno.EROFS, errno.EIO, errno.ENOENT, errno.EACCES, errno.EFBIG, errno.ENODEV):
        reasons.append(medium.explain(OSError(number, "text"), "/mnt/backup"))
    for reason in reasons:
        assert english(told(reason, "id")) == set(), reason
        assert told(reason, "id") != reason
    assert told(reasons[4], "id") == "/mnt/backup penuh"


def test_databases_and_archives_are_told_in_indonesian() -> None:
    request = MariadbRequest(kind="mariadb", name="web", database="web")
    reasons = [database_refusal(f"ERROR {number} (x): y", 1, request) for number in (1045, 1044, 1049, 2002, 2003)]
    reasons += missing(read_grants([], "web"), "web", "'u'@'%'", has_views=True)
    reasons += tar_problems("tar: ./x: file changed as we read it\n", 1, "/srv/www")
    reasons += tar_problems("", 2, "/srv/www")
    for reason in reasons:
        assert english(told(reason, "id")) == set(), told(reason, "id")


def test_an_execution_without_a_document_is_told_in_indonesian() -> None:
    track = SiteTrack("laman", task_now="site_backup : Set")
    documents = [killed_document(2, "laman"), missing_document(2, SiteTrack("laman"), None)[0]]
    documents += [missing_document(2, track, cause)[0] for cause in ("timed_out", "cancelled")]
    documents += [missing_document(2, SiteTrack("laman", unreachable="Connection refused"), None)[0]]
    texts = [text for d in documents for text in (*d.output_problems, *(r.reason for r in d.requirements))]
    assert len(texts) == 5
    for text in texts:
        assert english(told(text, "id")) == set(), text
    assert told(texts[2], "id") == "dihentikan pada batas waktu saat tugas: site_backup : Set"


def test_several_reasons_in_one_and_names_that_look_like_phrases() -> None:
    said = joined(
        [
            "artikel: not saved: database /srv/cannot be asked/x.sqlite: unable to open database file",
            "berita: could not be read: ./a is full.jpg and was not read.txt",
        ]
    )
    assert told(said, "id") == (
        "artikel: tidak disimpan: basis data /srv/cannot be asked/x.sqlite: berkas basis data tidak dapat dibuka; "
        "berita: tidak dapat dibaca: ./a is full.jpg and was not read.txt"
    )
