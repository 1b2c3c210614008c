"""Action `site_backup_cpanel`: one backup set of a cPanel account, over HTTPS, to a probed medium.

Arguments: `medium_state` (from `backup_medium_probe`), `site`, `execution`, `home`, `databases`, `wait_minutes`, and
`account` (host, port, user, token, ca_file, timeout). Returns `backup` as the action `site_backup` does.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from reporting.backup_set.medium import MediumReport
from reporting.backup_set.request import RequestError
from reporting.backup_set.request_cpanel import read_cpanel_request
from reporting.hosts.cpanel import Account, Cpanel, CpanelError
from reporting.hosts.cpanel_backup import back_up_cpanel
from reporting.hosts.site_backup import Outcome, plain
from reporting.text import harmless

_SPEC = {
    "medium_state": {"type": "dict", "required": True},
    "site": {"type": "str", "required": True},
    "execution": {"type": "str", "required": True},
    "home": {"type": "str", "default": "stream"},
    "databases": {"type": "raw", "default": "all"},
    "wait_minutes": {"type": "float", "default": 120.0},
    "poll_seconds": {"type": "float", "default": 15.0},
    "account": {"type": "dict", "required": True, "no_log": True},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible has no types
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False
    _supports_diff = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(argument_spec=_SPEC)
        medium = MediumReport(**given.pop("medium_state"))
        try:
            client = Cpanel(Account.of(given.pop("account")))
            request = read_cpanel_request(given)
        except (RequestError, CpanelError) as error:
            raise AnsibleActionFail(str(error)) from None
        outcome = Outcome()
        if not self._task.check_mode:
            outcome = back_up_cpanel(client, request, medium, self._tell(request.site))
        return {**result, "changed": outcome.measures is not None, "backup": plain(outcome)}

    @staticmethod
    def _tell(site: str) -> Any:
        def tell(part: str, size: int) -> None:
            Display().display(f"{harmless(site)}: {part}: {size / (1 << 20):,.0f} MiB so far")

        return tell
