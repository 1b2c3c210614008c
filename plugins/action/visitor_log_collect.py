"""Action `visitor_log_collect`: a site's new log lines into the evidence folder, analysed (activity 3).

Returns `visitor_log_document`, the parts of the result document that this step answers for. A failure of the step is a
failed task whose `visitor_log_document` says why; a site that went silent is that too, never "unreachable": that would
end the play for it without a document.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from reporting.hosts.cpanel import Account, Cpanel, CpanelError
from reporting.hosts.log_hosts import CpanelHost, ShellHost
from reporting.text import harmless
from reporting.visitor_log.collect import CollectError, Host

if TYPE_CHECKING:
    from reporting.visitor_log.activity import Outcome, Request

_ARGUMENTS = {
    "method": {"type": "str", "choices": ["ssh", "local", "cpanel_api"], "required": True},
    "paths": {"type": "list", "elements": "str", "required": True},
    "zone": {"type": "str", "required": True},
    "evidence_dir": {"type": "path", "required": True},
    "state_dir": {"type": "path", "required": True},
    "execution": {"type": "str"},
    "recorded": {"type": "list", "elements": "str"},
    "timeout": {"type": "float", "default": 30.0},
    "cpanel": {"type": "dict", "default": {}},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible has no types
    """Adapter: arguments -> reporting.visitor_log.activity -> result."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `visitor_log_document` and `new_bytes`; in check mode only what is there to be read."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        activity = _activity()
        step = activity.would_read if self._task.check_mode else activity.carry_out
        try:
            request = _request(given, str((task_vars or {})["inventory_hostname"]))
            outcome = self._on_host(given, lambda host: step(host, request))
        except (AnsibleError, CollectError, CpanelError, OSError) as error:
            return {**result, **_failure(str(error))}
        return {
            **result,
            "changed": outcome.new_bytes > 0,
            "new_bytes": outcome.new_bytes,
            "visitor_log_document": outcome.document(),
        }

    def _on_host(self, given: dict[str, Any], work: Callable[[Host], Outcome]) -> Outcome:
        if given["method"] == "cpanel_api":
            with tempfile.TemporaryDirectory(prefix="laman-logs-") as spool:
                return work(CpanelHost(Cpanel(_account(given)), Path(spool)))
        become = self._connection.become is not None
        return work(ShellHost(self._connection, become, given["timeout"]))


def _activity() -> Any:
    """The engine, loaded in the worker: polars starts threads, and ansible forks the process that loads this file."""
    return import_module("reporting.visitor_log.activity")


def _failure(message: str) -> dict[str, Any]:
    said = harmless(message, 1_000)
    document = {
        "activity": 3,
        "requirements": [{"name": _activity().REQUIREMENT, "ok": False, "reason": said}],
        "output_problems": [f"the visitor log was not collected: {said}"],
    }
    return {"failed": True, "changed": False, "msg": said, "visitor_log_document": document}


def _request(given: dict[str, Any], site: str) -> Request:
    if not given["paths"]:
        raise AnsibleActionFail(
            "visitor_log_paths is empty: name the site's access logs, e.g. /var/log/nginx/access.log*"
        )
    try:
        zone = ZoneInfo(given["zone"])
    except (ZoneInfoNotFoundError, ValueError):
        raise AnsibleActionFail(f"visitor_log_zone: {given['zone']!r} is no time zone, e.g. Asia/Jakarta") from None
    request: Request = _activity().Request(
        site=site,
        patterns=given["paths"],
        zone=zone,
        evidence=Path(given["evidence_dir"]),
        state=Path(given["state_dir"]),
        execution=given["execution"] or None,
        recorded=given["recorded"],
    )
    return request


def _account(given: dict[str, Any]) -> Account:
    return Account.of(given["cpanel"] | {"timeout": given["timeout"]})
