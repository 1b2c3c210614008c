"""Action `site_backup`: one backup set of a site, streamed over the task's connection to a probed medium.

Arguments: `medium_state` (from `backup_medium_probe`), `site`, `execution`, `trees`, `databases`, and the
limits of `_SPEC`. In
check mode the databases are asked and nothing is saved. Returns `backup`: requirements, outputs, output_problems,
measures and findings as the contract has them. A failed backup does not fail the task: the role hands over its
document first, and then fails.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from reporting.backup_set.medium import MediumReport
from reporting.backup_set.request import BackupRequest, RequestError, read_request
from reporting.hosts.site_backup import Outcome, back_up, inspect_databases, plain
from reporting.text import harmless

_SPEC = {
    "medium_state": {"type": "dict", "required": True},
    "site": {"type": "str", "required": True},
    "execution": {"type": "str", "required": True},
    "trees": {"type": "list", "elements": "dict", "default": []},
    "databases": {"type": "list", "elements": "dict", "default": [], "no_log": True},
    "idle_timeout": {"type": "int", "default": 900},
    "full_every": {"type": "int", "default": 7},
    "recorded_sets": {"type": "dict", "default": {}},
    "retries": {"type": "int", "default": 1},
    "bandwidth_kib": {"type": "int", "default": 0},
    "environment": {"type": "list", "elements": "str", "default": []},
    "domains": {"type": "list", "elements": "str", "default": []},
    "least_percent": {"type": "int", "default": 50},
    "pages_url": {"type": "str", "default": ""},
    "pages_ca_file": {"type": "str", "default": ""},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible has no types
    _supports_check_mode = True
    _supports_async = False
    _supports_diff = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(argument_spec=_SPEC)
        medium = MediumReport(**given.pop("medium_state"))
        try:
            request = read_request(given)
        except RequestError as error:
            raise AnsibleActionFail(str(error)) from None
        outcome = self._carry_out(request, medium)
        return {**result, "changed": outcome.measures is not None, "backup": plain(outcome)}

    def _carry_out(self, request: BackupRequest, medium: MediumReport) -> Outcome:
        become = bool(self._task.become)
        outcome = Outcome()
        try:
            if self._task.check_mode:
                inspect_databases(self._connection, request, outcome, become=become)
                return outcome
            return back_up(self._connection, request, medium, become=become, progress=self._tell(request.site))
        except AnsibleConnectionFailure as error:
            outcome.problems.append(f"nothing was saved: the host stopped answering: {harmless(error, 1500)}")
            return outcome

    @staticmethod
    def _tell(site: str) -> Any:
        def tell(part: str, size: int) -> None:
            Display().display(f"{harmless(site)}: {part}: {size / (1 << 20):,.0f} MiB so far")

        return tell
