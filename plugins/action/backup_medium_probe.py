"""Action `backup_medium_probe`: is the backup medium at hand? Looks at the control node only, never at the site.

Arguments: `medium` (an entry of laman_unit.media with an absolute path), `site`, `minimum_bytes`, `growth_percent`.
Returns `requirement` (the contract's Requirement `backup_medium`) and `state` (what `site_backup` writes to). A medium
that is not at hand does not fail the task: the calling role puts the requirement into its document.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from reporting.backup_set.medium import Needs, probe
from reporting.backup_set.request import RequestError, read_medium
from reporting.contract import Requirement
from reporting.text import harmless

_SPEC = {
    "medium": {"type": "dict", "required": True},
    "site": {"type": "str"},
    "minimum_bytes": {"type": "int", "default": 1 << 30},
    "growth_percent": {"type": "int", "default": 10},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible has no types
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False
    _supports_diff = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(argument_spec=_SPEC)
        try:
            spec = read_medium(given["medium"])
        except RequestError as error:
            raise AnsibleActionFail(str(error)) from None
        report = probe(spec, Needs(given["site"], given["minimum_bytes"], given["growth_percent"]))
        requirement = Requirement(name="backup_medium", ok=report.ok, reason=harmless(report.reason, 2000))
        return {**result, "changed": False, "requirement": requirement.model_dump(), "state": asdict(report)}
