"""What is handed over: a cause exactly when there is a problem, evidence that is whole and readable."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reporting.contract import ContractError, DiagnosisMeasures, json_schema, validate_document
from reporting.diagnosis.model import check
from reporting.diagnosis.report import Diagnosis, write_evidence
from reporting.diagnosis.request import read_request
from reporting.diagnosis.rules import shipped
from reporting.files import sha256_file

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def diagnosis(*signs: str) -> Diagnosis:
    request = read_request({"site": "www", "url": "https://www.example.go.id/", "method": "ssh"})
    checks = [check("http", "outside", "problem", "x\x1b[2J\u202e", "y", sign, lines=("z\x07",)) for sign in signs]
    checks.append(check("dns", "outside", "ok", "good", "baik", "dns.ok"))
    return Diagnosis(request, NOW, NOW, True, checks, shipped().cause(checks))


def document(**changes: Any) -> dict[str, Any]:
    measures = diagnosis("http.502").measures().model_dump(mode="json") | changes
    output = {"name": "diagnosis", "place": "evidence", "path": "a", "bytes": 1, "sha256": "a" * 64, "verified": "x"}
    return {"activity": 8, "site": "www", "requirements": [], "outputs": [output], "measures": measures}


def test_the_measures_go_through_the_contract() -> None:
    whole = validate_document(document())
    assert isinstance(whole.measures, DiagnosisMeasures)
    assert whole.measures.cause_kind == "php"
    assert "DiagnosisMeasures" in json_schema()["$defs"]


@pytest.mark.parametrize(
    "changes",
    [{"cause_kind": None}, {"checks": []}, {"cause_kind": "sunspots"}, {"checks": [{"name": "x", "side": "above"}]}],
)
def test_a_cause_without_a_problem_and_a_problem_without_a_cause_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match="measures"):
        validate_document(document(**changes))


def test_the_evidence_is_whole_harmless_and_never_overwritten(tmp_path: Path) -> None:
    seen = diagnosis("http.502")
    outputs = write_evidence(seen, tmp_path, UTC)
    for output in outputs:
        assert sha256_file(tmp_path / output.path) == (output.sha256, output.bytes)
        content = (tmp_path / output.path).read_text()
        assert not set("\x1b\u202e\x07") & set(content)
    data = json.loads((tmp_path / "diagnosis.json").read_text())
    assert data["rule"] == "gateway"
    assert data["evidence"] == ["http"]
    assert data["checks"][0]["signs"] == ["http.502"]
    text = (tmp_path / "diagnosis.txt").read_text()
    assert "Likeliest cause: The web server answers" in text
    assert "Penyebab paling mungkin: Server web menjawab" in text
    with pytest.raises(FileExistsError):
        write_evidence(seen, tmp_path, UTC)


def test_nothing_found_is_said_in_both_languages(tmp_path: Path) -> None:
    write_evidence(diagnosis(), tmp_path, UTC)
    assert "Nothing was found. / Tidak ditemukan masalah." in (tmp_path / "diagnosis.txt").read_text()
