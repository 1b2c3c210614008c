"""The role `content_status` through ansible-playbook: its document, whatever happens to the site."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reporting.contract import ResultDocument, validate_document
from reporting.files import sha256_file
from tests.emulators.web import WebServer

ROOT = Path(__file__).parents[2]


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as server:
        day = (datetime.now(UTC) - timedelta(days=3)).strftime("%Y-%m-%d")
        server.routes["/baru/"] = f"<main><p>Diperbarui {day}</p></main>".encode()
        server.routes["/lama/"] = b"<main><p>Diperbarui 5 Nop 2019</p></main>"
        server.routes["/diam/"] = b"<main><p>tanpa tanggal</p></main>"
        yield server


def _sections(**more: dict[str, Any]) -> list[dict[str, Any]]:
    names = {"baru": {}, "lama": {}, "diam": {}, **more}
    return [{"name": n, "url": f"/{n}/", "owner": "Humas", "limit_days": 14} | extra for n, extra in names.items()]


def _play(folder: Path, variables: dict[str, Any], *arguments: str) -> tuple[int, ResultDocument, str]:
    """Run the real playbook on one host; exit code, the document that it handed over, and its output."""
    evidence = folder / "evidence"
    evidence.mkdir(exist_ok=True)
    given = {
        "content_status_state_dir": str(folder / "state"),
        "laman_executions": {"dinas": {"id": "x1", "evidence_dir": str(evidence), "activity": 1}},
        "ansible_connection": "local",
        "content_status_retries": 0,
    }
    (folder / "hosts.json").write_text(json.dumps({"sites": {"hosts": {"dinas": given | variables}}}))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "NO_COLOR": "1",
    }
    run = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-v", "-i", folder / "hosts.json",
         ROOT / "playbooks/content_status.yml", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    output = run.stdout + run.stderr
    start = output.index("{", output.index("content_status : Hand over the result"))
    handed, _ = json.JSONDecoder().raw_decode(output[start:])
    return run.returncode, validate_document(handed["laman_result"]), output


def _states(document: ResultDocument) -> dict[str, str]:
    assert document.measures is not None
    assert document.measures.kind == "content"
    return {section.section: section.state for section in document.measures.sections}


def test_the_record_is_evidence_and_findings_are_no_failure(tmp_path: Path, web: WebServer) -> None:
    variables = {"content_status_url": web.url, "content_status_sections": _sections(hilang={})}
    code, document, output = _play(tmp_path, variables)
    assert code == 0, output
    assert "changed=0" in output
    assert _states(document) == {"baru": "fresh", "lama": "stale", "diam": "unknown", "hilang": "unreachable"}
    assert [r.name for r in document.requirements] == ["site_access"]
    assert document.requirements[0].ok
    assert document.output_problems == []
    assert {f.kind for f in document.findings} == {"stale_section", "section_unknown", "section_unreachable"}
    (evidence,) = document.outputs
    assert (evidence.sha256, evidence.bytes) == sha256_file(tmp_path / "evidence" / evidence.path)
    record = json.loads((tmp_path / "evidence" / evidence.path).read_text())
    assert [section["state"] for section in record["sections"]] == list(_states(document).values())
    again = _play(tmp_path, variables)[1]
    assert [f.fingerprint for f in again.findings] == [f.fingerprint for f in document.findings]
    assert again.outputs[0].path == "content-status-2.json"


def test_check_mode_looks_and_writes_nothing(tmp_path: Path, web: WebServer) -> None:
    variables = {"content_status_url": web.url, "content_status_sections": _sections()}
    code, document, output = _play(tmp_path, variables, "--check")
    assert code == 0, output
    assert _states(document)["lama"] == "stale"
    assert document.outputs == []
    assert document.output_problems == ["check mode: nothing was written"]
    assert list((tmp_path / "evidence").iterdir()) == []
    assert not (tmp_path / "state").exists()


def test_an_unreachable_host_still_hands_over(tmp_path: Path, web: WebServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        variables = {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": free.getsockname()[1],
            "content_status_url": web.url,
            "content_status_sections": _sections(),
        }
        code, document, output = _play(tmp_path, variables)
    assert code == 2, output  # failed, not unreachable
    assert document.requirements[0].ok is False
    assert "connection refused" in document.requirements[0].reason
    assert _states(document)["baru"] == "fresh"  # what visitors see was checked all the same
    assert len(document.outputs) == 1
    assert "connection refused" in output.rpartition("fatal:")[2]


def test_no_section_fetched_is_no_output(tmp_path: Path) -> None:
    sections = [{"name": "x", "url": "http://no-such-host.invalid/", "owner": "Humas", "limit_days": 1}]
    code, document, output = _play(tmp_path, {"content_status_sections": sections})
    assert code == 2, output
    assert "none of the 1 sections" in document.output_problems[0]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"content_status_sections": []}, "at least one section"),
        ({"content_status_sections": [{"name": "x", "url": "/x", "owner": "o", "limit_days": 1}]}, "http://"),
        ({"content_status_sections": [{"name": "x", "url": "http://x/", "owner": "o"}]}, "limit_days"),
        ({"content_status_sections": _sections(), "content_status_url": "http://localhost:1",
          "content_status_timezone": "Mars/Olympus"}, "time zone"),
        ({"content_status_sections": _sections(), "content_status_url": "http://localhost:1",
          "content_status_ca_file": "/no/such"}, "content_status_ca_file"),
        ({"content_status_sections": _sections(), "content_status_url": "http://localhost:1",
          "content_status_timeout": -1}, "limits.timeout"),
    ],
)  # fmt: skip
def test_wrong_settings_are_told_and_nothing_is_recorded_as_done(
    tmp_path: Path, variables: dict[str, Any], words: str
) -> None:
    if words == "limit_days":
        with pytest.raises(ValueError, match="substring not found"):  # refused before the role begins: no document
            _play(tmp_path, variables)
        return
    code, document, output = _play(tmp_path, variables)
    assert code == 2
    assert words in document.output_problems[0], output
    assert "\n" not in document.output_problems[0]
    assert document.outputs == []
    assert words in output.rpartition("fatal:")[2]


def test_a_full_or_missing_evidence_folder_is_an_output_problem(tmp_path: Path, web: WebServer) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    variables = {
        "content_status_url": web.url,
        "content_status_sections": _sections(),
        "content_status_evidence_dir": str(blocked / "x"),
    }
    code, document, _ = _play(tmp_path, variables)
    assert code == 2
    assert "could not be written" in document.output_problems[0]
    assert document.outputs == []
