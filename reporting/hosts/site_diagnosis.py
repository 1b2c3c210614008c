"""A diagnosis of one site, both sides at once: from this machine, and over the connection that Ansible has.

A host that cannot be entered, hangs or falls silent is an answer here: its checks say so, and the outside stands.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleError

from reporting.diagnosis.cpanel import look_through_cpanel
from reporting.diagnosis.inside import Outside, look_inside
from reporting.diagnosis.model import Check, check
from reporting.diagnosis.outside import look_outside
from reporting.diagnosis.report import Diagnosis
from reporting.diagnosis.request import DiagnosisRequest
from reporting.diagnosis.rules import shipped
from reporting.diagnosis.script import COMMAND, Answer, Script, script_for
from reporting.hosts.access import explain_failure
from reporting.hosts.cpanel import Account, Cpanel, CpanelError
from reporting.hosts.stream import open_stream
from reporting.text import harmless

_IDLE = 12.0  # seconds: the longest single step on the host is bounded to 8
_KINDS = (
    ("host_key", ("SSH host key",)),
    ("dns", ("DNS:",)),
    ("refused", ("login was refused", "method", "password", "sudo")),
    ("unreachable", ("connection refused", "no route", "no answer in time", "closed the connection")),
)


@dataclass
class _Inside:
    """What came from inside: the answer so far, when its first line came, and why there is no more."""

    answer: Answer | None = None
    began: datetime | None = None
    failure: str = ""
    seconds: float = 0.0
    checks: list[Check] = field(default_factory=list)  # through cPanel


def diagnose(request: DiagnosisRequest, connection: Any, *, become: bool, account: Callable[[], Account]) -> Diagnosis:
    """Look at the site from both sides and name the likeliest cause.

    Args:
        request: what to look at.
        connection: the action plugin's connection (ssh or local); not used with cPanel.
        become: run the script through the task's become plugin.
        account: gives cPanel's account; called for the method cpanel_api only.

    Raises:
        DiagnosisError: the settings make no script that can be sent.
    """
    rules = shipped()
    script = script_for(request)
    began_at = datetime.now(UTC)
    with ThreadPoolExecutor(max_workers=1) as outside:
        visiting = outside.submit(look_outside, request, rules)
        inside = _through_cpanel(request, account) if request.method == "cpanel_api" else _through_shell(
            request, script, connection, become
        )  # fmt: skip
        seen = visiting.result()
    checks = [*seen[0], *_inside_checks(request, script, inside, seen)]
    entered = inside.answer is not None or any(c.name == "access" and c.state == "ok" for c in inside.checks)
    return Diagnosis(request, began_at, datetime.now(UTC), entered, checks, rules.cause(checks))


def _through_shell(request: DiagnosisRequest, script: Script, connection: Any, become: bool) -> _Inside:
    inside, began = _Inside(), time.monotonic()
    limits = request.limits
    deadline = began + limits.start_timeout + limits.inside_timeout
    try:
        if connection.transport != request.method:
            raise AnsibleError(
                f"site_diagnosis_method is {request.method}, but this host's ansible_connection is "
                f"{connection.transport}: make them agree"
            )
        with open_stream(connection, COMMAND, become=become, stdin=script.text, start_timeout=limits.start_timeout,
                         idle_timeout=min(_IDLE, limits.inside_timeout)) as stream:  # fmt: skip
            inside.answer, inside.began = Answer(script), datetime.now(UTC)
            while chunk := stream.read(1 << 16):
                inside.answer.feed(chunk)
                if inside.answer.whole:
                    break
                if time.monotonic() > deadline:
                    inside.failure = f"not all was answered within {limits.inside_timeout:g} s"
                    break
            if not inside.answer.sections:
                inside.failure = inside.failure or "the login works, but no POSIX shell carried out the script"
                inside.answer = None
    except AnsibleError as error:  # unreachable, refused, silent: all are answers here
        inside.failure = explain_failure(str(error), request.method)
        if inside.answer is not None and not inside.answer.sections:
            inside.answer = None
    inside.seconds = time.monotonic() - began
    return inside


def _through_cpanel(request: DiagnosisRequest, account: Callable[[], Account]) -> _Inside:
    began = time.monotonic()
    inside = _Inside()
    try:
        cpanel = Cpanel(account())
        cpanel.call("DomainInfo", "list_domains")
        good = check("access", "inside", "ok", "cPanel answers an authenticated call",
                     "cPanel menjawab panggilan terotentikasi")  # fmt: skip
        inside.checks = [good.timed(time.monotonic() - began),
                         *look_through_cpanel(cpanel.call, CpanelError, request.limits)]  # fmt: skip
    except CpanelError as error:
        sign = {"dns": "dns", "network": "unreachable", "timeout": "unreachable", "refused_login": "refused",
                "login_page": "refused"}.get(error.kind, "other")  # fmt: skip
        inside.checks = [_no_access(str(error), sign, time.monotonic() - began)]
    return inside


def _inside_checks(request: DiagnosisRequest, script: Script, inside: _Inside, outside: Outside) -> Sequence[Check]:
    if inside.checks:
        return inside.checks
    if inside.answer is None:
        text = inside.failure
        sign = next((kind for kind, words in _KINDS if any(word in text for word in words)), "other")
        return [_no_access(text, sign, inside.seconds)]
    if inside.failure or not inside.answer.whole:
        text = inside.failure or "the host's answer broke off"
        access = check("access", "inside", "problem", f"it was entered, but: {text}", f"dapat dimasuki, tetapi: {text}",
                       "access.silent", facts={"said": text})  # fmt: skip
    else:
        access = check("access", "inside", "ok", f"{request.method}: a POSIX shell answered",
                       f"{request.method}: shell POSIX menjawab")  # fmt: skip
    seen = look_inside(request, script, inside.answer, shipped(), outside, inside.began or datetime.now(UTC))
    return [access.timed(inside.seconds), *seen]


def _no_access(text: str, sign: str, seconds: float) -> Check:
    said = harmless(text, 300)
    seen = check("access", "inside", "problem", text, f"bagian dalam tidak dapat diperiksa: {text}", f"access.{sign}",
                 facts={"said": said})  # fmt: skip
    return seen.timed(seconds)


__all__ = ["diagnose"]
