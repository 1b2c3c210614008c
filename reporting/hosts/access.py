"""The requirement of activities 1-3, "akses sistem laman", proven by real work: what to run, and what its answer means.

Plain functions on plain data: the action plugin runs the probe, this module words it. A failed probe is an answer, not
an error: it becomes the requirement ``site_access`` with ``ok`` false and one line that says what to do.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from reporting.text import harmless

REQUIREMENT = "site_access"
Words = Sequence[str]


@dataclass(frozen=True)
class Probe:
    """One POSIX sh command and the line that only a shell that really ran it can give back."""

    command: str
    proof: str


def requirement(ok: bool, reason: str) -> dict[str, object]:
    """The contract's Requirement as a dict; the reason is made harmless and kept to one line."""
    return {"name": REQUIREMENT, "ok": ok, "reason": harmless(reason, 1_000)}


def shell_probe(tools: Words, paths: Words) -> Probe:
    """A command that proves a working shell, and lists the tools and paths that are missing, one a line.

    The proof is a sum: a restricted account that only repeats the command's text cannot give it.
    """
    left, right = secrets.randbelow(10**6) + 10**6, secrets.randbelow(10**6) + 10**6
    steps = [f"echo laman-access-$(({left}+{right}))"]
    steps += [f"command -v {shlex.quote(tool)} >/dev/null 2>&1 || echo tool {shlex.quote(tool)}" for tool in tools]
    for number, path in enumerate(paths):
        word = shlex.quote(path)
        steps.append(
            f"if [ ! -e {word} ]; then echo absent {number}; "
            f"elif [ ! -r {word} ] || {{ [ -d {word} ] && [ ! -x {word} ]; }}; then echo unreadable {number}; fi"
        )
    steps.append("echo laman-access-end")
    return Probe("; ".join(steps), f"laman-access-{left + right}")


def read_answer(probe: Probe, answer: str, tools: Words, paths: Words, how: str) -> tuple[bool, str]:
    """Whether the probe's answer proves access, and the reason in one line. `how` names the way, e.g. "ssh"."""
    lines = [line.strip() for line in answer.splitlines()]
    if probe.proof not in lines or "laman-access-end" not in lines:
        said = harmless(" ".join(line for line in lines if line) or "nothing", 200)
        return False, (
            f"{how}: the login works, but no POSIX shell carried out the probe (it said: {said}); "
            "ask the provider for shell access, or use site_access_method: cpanel_api"
        )
    problems = _missing_tools(lines, tools) + _missing_paths(lines, paths)
    if problems:
        return False, f"{how}: " + "; ".join(problems)
    seen = [f"{how}: a POSIX shell carried out the probe"]
    seen += [f"{', '.join(tools)} present"] if tools else []
    seen += [f"{', '.join(paths)} readable"] if paths else []
    return True, "; ".join(seen)


def _missing_tools(lines: Words, tools: Words) -> list[str]:
    missing = [tool for tool in tools if f"tool {tool}" in lines]
    return [f"missing on the site: {', '.join(missing)} (install it, or ask the provider)"] if missing else []


def _missing_paths(lines: Words, paths: Words) -> list[str]:
    problems = []
    for number, path in enumerate(paths):
        if f"absent {number}" in lines:
            problems.append(f"path {path} does not exist on the site (site_access_paths)")
        if f"unreadable {number}" in lines:
            problems.append(f"path {path} is not readable for this account (site_access_paths, or become)")
    return problems


# ssh's own words -> what it means and what to do. The first that matches wins: the more precise come first.
_SSH_SAYS: tuple[tuple[str, str], ...] = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|host key .* has changed",
        "wrong SSH host key: the host shows another key than the one in known_hosts; ask the provider whether it was "
        "reinstalled before trusting it, then `ssh-keygen -R` the old key",
    ),
    (
        r"Host key verification failed|No .*host key is known",
        "SSH host key not known yet: compare its fingerprint with the provider's, then add it to known_hosts",
    ),
    (
        r"Could not resolve hostname|Name or service not known|Temporary failure in name resolution",
        "DNS: the host name cannot be resolved; check ansible_host and the domain's name servers",
    ),
    (
        r"Permission denied|Too many authentication failures|Invalid/incorrect|Authentication failed|"
        r"Load key .*|no mutual signature",
        "the login was refused: the key or the user is not accepted; check ansible_user and "
        "ansible_ssh_private_key_file",
    ),
    (r"Connection refused", "connection refused: nothing listens there; check ansible_host, ansible_port and sshd"),
    (r"No route to host|Network is unreachable", "no route to the host: check the network and ansible_host"),
    (
        r"timed out|Timeout|nothing came for \d+ seconds",
        "no answer in time: the host is down, filtered by a firewall, or hangs at login",
    ),
    (
        r"Connection (reset|closed)|kex_exchange_identification|banner",
        "the host closed the connection during log-in: too many logins, a ban (fail2ban), or no SSH on that port",
    ),
)


def explain_failure(message: str, how: str) -> str:
    """What a connection failure means, what to do, and what was said, in one line."""
    said = harmless(re.sub(r"@{5,}|\s+", " ", message).strip() or "nothing was said", 400)
    for pattern, meaning in _SSH_SAYS:
        if re.search(pattern, message, re.IGNORECASE):
            return f"{how}: {meaning} (said: {said})"
    return f"{how}: no access: {said}"


__all__ = ["REQUIREMENT", "Probe", "explain_failure", "read_answer", "requirement", "shell_probe"]
