"""Action `site_access_probe`: prove access to a site by real work and return the requirement, never "unreachable".

An unreachable host would end the play for it, and its execution would have no document. So every failure comes back
as `site_access_requirement` with `ok: false` and its reason, and the calling role decides.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from reporting.hosts import access
from reporting.hosts.cpanel import Account, Cpanel, CpanelError, prove_access
from reporting.hosts.stream import open_stream

_MAX_ANSWER = 64 * 1024


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible has no types
    """Adapter: arguments -> reporting.hosts.access / reporting.hosts.cpanel -> result."""

    TRANSFERS_FILES = False
    _supports_check_mode = True  # it only looks
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `site_access_requirement` (contract Requirement) and `seconds`."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        began = time.monotonic()
        method = str(self._task.args.get("method", ""))
        if method == "cpanel_api":
            ok, reason = _over_cpanel(dict(self._task.args))
        elif method in ("ssh", "local"):
            ok, reason = self._over_shell(method)
        else:
            raise AnsibleActionFail(f"site_access_method is {method!r}: expected ssh, local or cpanel_api")
        result["site_access_requirement"] = access.requirement(ok, reason)
        result["seconds"] = round(time.monotonic() - began, 3)
        result["changed"] = False
        return result

    def _over_shell(self, method: str) -> tuple[bool, str]:
        transport = str(self._connection.transport)
        if transport != method:
            return False, (
                f"site_access_method is {method}, but this host's ansible_connection is {transport}: make them agree"
            )
        tools = [str(tool) for tool in self._task.args.get("tools") or []]
        paths = [str(path) for path in self._task.args.get("paths") or []]
        timeout = float(self._task.args.get("timeout") or 30)
        probe = access.shell_probe(tools, paths)
        become = self._connection.become is not None
        try:
            with open_stream(
                self._connection, probe.command, become=become, start_timeout=timeout, idle_timeout=timeout
            ) as stream:
                answer = bytearray()
                while (chunk := stream.read(_MAX_ANSWER)) and len(answer) < _MAX_ANSWER:
                    answer += chunk
        except AnsibleError as error:  # unreachable, refused, no shell: all are answers here
            return False, access.explain_failure(str(error), method)
        return access.read_answer(probe, answer.decode("utf-8", "replace"), tools, paths, method)


def _over_cpanel(arguments: dict[str, Any]) -> tuple[bool, str]:
    try:
        return True, prove_access(Cpanel(Account.of(arguments)))
    except CpanelError as error:
        return False, str(error)
