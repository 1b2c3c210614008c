"""Action `site_restore`: shows what bringing a backup set back onto the host would change, and where asked does it.

Arguments: `set_folder` (on the control node), `site`, `name` (of this restore), `apply`, `delete_extra`, `definer`
(keep, current), `no_undo`, `incomplete` (delete what an incomplete set has not), `special_bits` (keep setuid and
setgid), `databases` (accounts that may write, as site_backup_databases), `medium_state` (of
`backup_medium_probe`; what is there is saved to it before). Returns `site_restore`: trees, databases, by_hand, undo,
begun, compared, problems. Problems do not fail the task: whoever asked reads them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from reporting.backup_set.manifest import ManifestError
from reporting.backup_set.medium import MediumReport
from reporting.backup_set.opened import SetSource
from reporting.backup_set.request import BackupRequest, MariadbRequest, RequestError, read_request
from reporting.hosts.site_restore import Asked, restore_site
from reporting.text import harmless

_SPEC = {
    "set_folder": {"type": "str", "required": True},
    "site": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "apply": {"type": "bool", "default": False},
    "delete_extra": {"type": "bool", "default": False},
    "definer": {"type": "str", "default": "keep", "choices": ["keep", "current"]},
    "no_undo": {"type": "bool", "default": False},
    "incomplete": {"type": "bool", "default": False},
    "special_bits": {"type": "bool", "default": False},
    "databases": {"type": "list", "elements": "dict", "default": [], "no_log": True},
    "medium_state": {"type": "dict", "default": {}},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible has no types
    _supports_check_mode = True
    _supports_async = False
    _supports_diff = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(argument_spec=_SPEC)
        state = given["medium_state"]
        asked = Asked(
            source=SetSource(Path(given["set_folder"])),
            site=given["site"],
            name=given["name"],
            databases=_accounts(given),
            apply=given["apply"] and not self._task.check_mode,
            delete_extra=given["delete_extra"],
            definer=given["definer"],
            no_undo=given["no_undo"],
            incomplete=given["incomplete"],
            special_bits=given["special_bits"],
        )
        medium = MediumReport(**state) if state else None
        try:
            done = restore_site(
                self._connection, asked, medium, become=bool(self._task.become), progress=self._tell(given["site"])
            )
        except ManifestError as error:
            raise AnsibleActionFail(str(error)) from None
        return {**result, "changed": done.begun, "site_restore": done.plain()}

    @staticmethod
    def _tell(site: str) -> Any:
        def tell(part: str, size: int) -> None:
            Display().display(f"{harmless(site)}: {part}: {size / (1 << 20):,.0f} MiB so far")

        return tell


def _accounts(given: dict[str, Any]) -> list[MariadbRequest]:
    """The accounts, checked as those of a backup are."""
    databases = [entry for entry in given["databases"] if entry.get("kind") == "mariadb"]
    if not databases:
        return []
    try:
        request: BackupRequest = read_request({"site": given["site"], "execution": "restore", "databases": databases})
    except RequestError as error:
        raise AnsibleActionFail(str(error).replace("site_backup_", "site_restore_")) from None
    return [database for database in request.databases if isinstance(database, MariadbRequest)]
