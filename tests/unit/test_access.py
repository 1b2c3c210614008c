"""What a probe's answer means, and what ssh's own words mean."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reporting.contract import Requirement
from reporting.hosts import access


def _carry_out(probe: access.Probe) -> str:
    return subprocess.run(["/bin/sh", "-c", probe.command], capture_output=True, text=True, check=True).stdout


def test_a_real_shell_proves_access(tmp_path: Path) -> None:
    tools, paths = ["tar", "gzip"], [str(tmp_path)]
    probe = access.shell_probe(tools, paths)
    ok, reason = access.read_answer(probe, _carry_out(probe), tools, paths, "ssh")
    assert ok
    assert "tar, gzip present" in reason
    assert str(tmp_path) in reason


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    odd = str(tmp_path / "no such; echo laman-access-end $(id)'")
    tools, paths = ["tar", "no-such-tool'; echo x"], [str(tmp_path), odd]
    probe = access.shell_probe(tools, paths)
    ok, reason = access.read_answer(probe, _carry_out(probe), tools, paths, "local")
    assert not ok
    assert "no-such-tool'; echo x" in reason
    assert "tar," not in reason
    assert f"path {odd} does not exist" in reason
    assert "uid=" not in reason


def test_an_account_that_repeats_the_command_is_no_shell() -> None:
    probe = access.shell_probe(["tar"], [])
    for answer in (probe.command, f"rbash: {probe.command}: not found", "", "This service allows sftp only.\x1b[31m"):
        ok, reason = access.read_answer(probe, answer, ["tar"], [], "ssh")
        assert not ok
        assert "no POSIX shell" in reason
        assert "\x1b" not in reason


def test_an_answer_that_breaks_off_proves_nothing() -> None:
    probe = access.shell_probe(["tar"], [])
    assert not access.read_answer(probe, probe.proof + "\n", ["tar"], [], "ssh")[0]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "@@@@@@@@@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@ Host key verification failed.",
            "wrong SSH host key",
        ),
        (
            "No ED25519 host key is known for x and you have requested strict checking. Host key verification failed.",
            "not known yet",
        ),
        ("ssh: Could not resolve hostname nope.invalid: Name or service not known", "DNS"),
        ("u@h: Permission denied (publickey,password).", "login was refused"),
        ("ssh: connect to host h port 22: Connection refused", "connection refused"),
        ("ssh: connect to host h port 22: Connection timed out", "no answer in time"),
        ("h: nothing came for 3 seconds, given up", "no answer in time"),
        ("kex_exchange_identification: Connection closed by remote host", "closed the connection"),
        ("something \x1b[31m else", "no access: something"),
    ],
)
def test_ssh_is_explained(said: str, expected: str) -> None:
    text = access.explain_failure(said, "ssh")
    assert expected in text
    assert "\n" not in text
    assert "\x1b" not in text


def test_the_requirement_keeps_the_contract() -> None:
    raw = access.requirement(False, "x\ny" * 2_000)
    assert Requirement.model_validate(raw).ok is False
