"""The contract between roles and record."""

from __future__ import annotations

from typing import Any

import pytest

from reporting.contract import MAX_DOCUMENT_BYTES, ContractError, dump, json_schema, validate_document

SHA = "a" * 64


def document(**changes: Any) -> dict[str, Any]:
    output = {"name": "log", "place": "evidence", "path": "a/b.zst", "bytes": 1, "sha256": SHA, "verified": "read back"}
    base = {
        "activity": 3,
        "site": "www",
        "requirements": [{"name": "site_access", "ok": True}],
        "outputs": [output],
        "measures": {
            "kind": "visitor_log", "files": 1, "lines_total": 3, "lines_parsed": 2, "lines_rejected": 1,
            "bytes_collected": 9,
        },
    }  # fmt: skip
    return base | changes


def test_a_good_document_goes_round() -> None:
    whole = validate_document(document())
    assert validate_document(dump(whole)) == whole


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"activity": 9}, "activity"),
        ({"extra": 1}, "extra"),
        ({"site": ""}, "site"),
        ({"requirements": [{"name": "site_access", "ok": False}]}, "failed without a reason"),
        ({"requirements": [{"name": "no spaces", "ok": True}]}, "requirements.0.name"),
        ({"outputs": []}, "neither an output_problems entry nor a failed requirement"),
        ({"measures": {"kind": "visitor_log", "files": 1, "lines_total": 3, "lines_parsed": 3, "lines_rejected": 1,
                       "bytes_collected": 0}}, "must equal lines_total"),
        ({"measures": {"kind": "other"}}, "measures"),
        ({"findings": [{"kind": "x", "severity": "bad", "title": "t", "fingerprint": "0" * 16}]}, "severity"),
    ],
)  # fmt: skip
def test_what_breaks_the_contract_is_named_in_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ContractError, match=says) as caught:
        validate_document(document(**changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "", "a\x00b"])
def test_an_output_cannot_point_out_of_its_folder(path: str) -> None:
    output = {"name": "log", "place": "evidence", "path": path, "bytes": 1, "sha256": SHA, "verified": "x"}
    with pytest.raises(ContractError, match=r"outputs\.0\.path"):
        validate_document(document(outputs=[output]))


def test_a_document_too_long_to_travel_is_refused() -> None:
    with pytest.raises(ContractError, match="write the long part to an evidence file"):
        validate_document(document(output_problems=["x" * MAX_DOCUMENT_BYTES]))


def test_what_is_not_json_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ContractError, match="not JSON"):
        validate_document(document(output_problems=circle))


def test_authors_of_roles_get_a_schema() -> None:
    schema = json_schema()
    assert set(schema["required"]) == {"activity", "site", "requirements"}
