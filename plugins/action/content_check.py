"""Action `content_check`: check the sections of a site from the control node and return the result document.

Adapter of reporting.content: arguments -> plan -> check -> evidence file -> document. Nothing touches the site but
HTTP GETs. In check mode nothing is written, neither evidence nor memory.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from pydantic import ValidationError

from reporting.content.check import Checked, check
from reporting.content.record import Outcome, document, record, write_record
from reporting.content.settings import Plan, SettingsError, read_plan
from reporting.content.state import Memory, StateError
from reporting.contract import Output, Requirement

_ARGUMENTS = {
    "site": {"type": "str", "required": True},
    "url": {"type": "str", "default": ""},
    "sections": {"type": "list", "required": True},
    "timezone": {"type": "str", "default": "Asia/Jakarta"},
    "user_agent": {"type": "str"},
    "ca_file": {"type": "path"},
    "tls_warning_days": {"type": "int", "default": 30},
    "limits": {"type": "dict", "default": {}},
    "requirements": {"type": "list", "elements": "dict", "default": []},
    "evidence_dir": {"type": "path", "required": True},
    "state_dir": {"type": "path", "required": True},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible has no types
    """Adapter: no rule of the domain lives here."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False
    _supports_diff = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `document` (contract.ResultDocument), `record` (path of the evidence file) and a summary as `msg`."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        now = datetime.now(UTC)
        try:
            plan = _plan(given)
            requirements = [Requirement.model_validate(raw) for raw in given["requirements"]]
            state_file = Path(given["state_dir"]).expanduser() / f"{_file_name(plan.site)}.json"
            memory = Memory.load(state_file)
            outcome = Outcome(check(plan, now, memory), plan, now)
        except (SettingsError, StateError, ValidationError) as error:
            raise AnsibleActionFail(" ".join(str(error).split())) from None
        folder = Path(given["evidence_dir"]).expanduser()
        output, problems = (
            (None, ["check mode: nothing was written"]) if self._task.check_mode else _keep(outcome, folder)
        )
        if not self._task.check_mode:
            problems += _remember(memory, state_file)
        return {
            **result,
            "changed": False,  # neither the site nor anything that a second run would find different
            "document": document(outcome, requirements, output, problems),
            "record": str(folder / output.path) if output else "",
            "msg": _summary(outcome.results),
        }


def _plan(given: dict[str, Any]) -> Plan:
    raw = {key: given[key] for key in ("site", "sections", "timezone", "tls_warning_days", "limits")}
    for key in ("user_agent", "ca_file"):
        if given[key]:
            raw[key] = given[key]
    if given["ca_file"] and not Path(given["ca_file"]).is_file():
        raise SettingsError(f"content_status_ca_file: {given['ca_file']} is not a file on the control node")
    return read_plan(raw, given["url"])


def _keep(outcome: Outcome, folder: Path) -> tuple[Output | None, list[str]]:
    """The record as evidence, or why there is none."""
    try:
        return write_record(folder, record(outcome)), []
    except OSError as error:
        return None, [f"the record could not be written into {folder}: {error.strerror or error}"]


def _remember(memory: Memory, path: Path) -> list[str]:
    try:
        memory.save(path)
    except OSError as error:
        return [f"what was seen could not be kept in {path}: {error.strerror or error}"]
    return []


def _file_name(site: str) -> str:
    """A file name for a site, whatever its name holds."""
    return re.sub(r"[^A-Za-z0-9_.-]|^\.+", lambda match: "".join(f"%{ord(c):02x}" for c in match.group()), site)[:200]


def _summary(results: Sequence[Checked]) -> str:
    counted = Counter(checked.state for checked in results)
    return f"{len(results)} sections: " + ", ".join(f"{counted[state]} {state}" for state in sorted(counted))
