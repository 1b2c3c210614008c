"""Action `site_diagnosis_look`: look at a site from outside and inside, in one round trip, and change nothing on it.

Returns `site_diagnosis_document`, the result document, with the measures of the diagnosis and, unless in check mode,
two evidence files on this machine. A site that is down, unreachable or hangs is an answer, never a failed task.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from reporting.diagnosis.report import write_evidence
from reporting.diagnosis.request import DiagnosisError, read_request
from reporting.hosts.cpanel import Account
from reporting.hosts.site_diagnosis import diagnose
from reporting.text import harmless

_LISTS = ("trees", "paths", "error_logs", "certificate_files", "services", "addresses", "nameservers")
_SPEC: dict[str, Any] = {
    "url": {"type": "str", "required": True},
    "method": {"type": "str", "required": True},
    "databases": {"type": "list", "elements": "dict", "default": [], "no_log": True},
    "ca_file": {"type": "str", "default": ""},
    "limits": {"type": "dict", "default": {}},
    "zone": {"type": "str", "default": "Asia/Jakarta"},
    "evidence_dir": {"type": "str", "required": True},
    "cpanel": {"type": "dict", "default": {}, "no_log": True},
    **{name: {"type": "list", "elements": "str", "default": []} for name in _LISTS},
}
_NOT_ASKED = ("zone", "evidence_dir", "cpanel")


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible has no types
    """Adapter: arguments -> reporting.hosts.site_diagnosis -> document and evidence."""

    _supports_check_mode = True  # it only looks
    _supports_async = False
    _supports_diff = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `site_diagnosis_document` and a summary as `msg`."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(argument_spec=_SPEC)
        site = str((task_vars or {})["inventory_hostname"])
        zone = _zone(given["zone"])
        try:
            request = read_request(
                {"site": site, **{key: value for key, value in given.items() if key not in _NOT_ASKED}}
            )
            become = self._connection.become is not None
            seen = diagnose(request, self._connection, become=become, account=lambda: _account(given["cpanel"]))
        except DiagnosisError as error:
            raise AnsibleActionFail(str(error)) from None
        document: dict[str, Any] = {"activity": 8, "site": site, "requirements": [],
                                    "measures": seen.measures().model_dump(mode="json")}  # fmt: skip
        if not self._task.check_mode:
            folder = Path(given["evidence_dir"]).expanduser()
            document["outputs"] = [o.model_dump(mode="json") for o in write_evidence(seen, folder, zone)]
        cause = seen.cause.en if seen.cause else "nothing was found"
        return {**result, "changed": False, "site_diagnosis_document": document, "msg": harmless(cause)}


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise AnsibleActionFail(f"site_diagnosis_zone: {name!r} is no time zone, e.g. Asia/Jakarta") from None


def _account(cpanel: dict[str, Any]) -> Account:
    ca_file = cpanel.get("ca_file")
    return Account(
        host=str(cpanel.get("host") or ""),
        user=str(cpanel.get("user") or ""),
        token=str(cpanel.get("token") or ""),
        port=int(cpanel.get("port") or 2083),
        ca_file=Path(str(ca_file)).expanduser() if ca_file else None,
        timeout=10.0,
        total_timeout=15.0,
    )
