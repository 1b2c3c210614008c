"""Action `service_expiry_probe`: read when services end, many at once, from the control node.

Adapter of reporting.expiry: arguments -> look-ups -> `service_expiry`, one entry per service with the fields of the
event `expiry.observed`. A look-up that fails is an answer here ("unknown", with its reason), never a failed task.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from pydantic import ValidationError

from reporting.expiry.bootstrap import SHIPPED, BootstrapError, read_bootstrap
from reporting.expiry.look import Request, look_at_all, phase_of
from reporting.expiry.model import Job, Limits, as_observation
from reporting.expiry.rdap import Registry
from reporting.text import harmless

_ARGUMENTS = {
    "services": {"type": "list", "required": True},
    "timezone": {"type": "str", "default": "Asia/Jakarta"},
    "rdap_bases": {"type": "dict", "default": {}},
    "rdap_bootstrap_file": {"type": "path"},
    "ca_file": {"type": "path"},
    "user_agent": {"type": "str", "default": "laman (service expiry)"},
    "limits": {"type": "dict", "default": {}},
}
_MOST_SERVICES = 1000  # what fits in one result of a task, many times over


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible has no types
    """Adapter: no rule of the domain lives here."""

    _requires_connection = False
    _supports_check_mode = True  # it only looks
    _supports_async = False
    _supports_diff = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `service_expiry` (a list, in the order of the services) and a summary as `msg`."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        jobs = _jobs(given["services"])
        request = _request(given)
        looks = look_at_all(jobs, request)
        counted = Counter(look.state for look in looks)
        return {
            **result,
            "changed": False,
            "service_expiry": [
                as_observation(job.id, look, phase_of(job, look, request), request.now)
                for job, look in zip(jobs, looks, strict=True)
            ],
            "msg": f"{len(jobs)} services: {counted['known']} known, {counted['unknown']} unknown",
        }


def _jobs(services: list[Any]) -> list[Job]:
    if len(services) > _MOST_SERVICES:
        raise AnsibleActionFail(f"service_expiry_services: {len(services)} services; at most {_MOST_SERVICES} at once")
    jobs = []
    for number, raw in enumerate(services, 1):
        try:
            jobs.append(Job.model_validate(raw))
        except ValidationError as error:
            name = harmless(raw.get("id"), 60) if isinstance(raw, dict) else number
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "entry"
            raise AnsibleActionFail(f"service_expiry_services, service {name}: {where}: {first['msg']}") from None
    twice = [job for job, count in Counter(job.id for job in jobs).items() if count > 1]
    if twice:
        raise AnsibleActionFail(f"service_expiry_services: id {twice[0]!r} is used twice")
    return jobs


def _request(given: dict[str, Any]) -> Request:
    try:
        zone = ZoneInfo(given["timezone"])
    except (ZoneInfoNotFoundError, ValueError):
        raise AnsibleActionFail(
            f"service_expiry_timezone: {given['timezone']!r} is no time zone; one like Asia/Jakarta is expected"
        ) from None
    try:
        limits = Limits.model_validate(given["limits"])
    except ValidationError as error:
        first = error.errors()[0]
        raise AnsibleActionFail(f"service_expiry_{first['loc'][-1]}: {first['msg']}") from None
    named = given["rdap_bootstrap_file"]
    try:
        services = read_bootstrap(Path(named) if named else SHIPPED)
    except BootstrapError as error:
        raise AnsibleActionFail(f"service_expiry_rdap_bootstrap_file: {error}") from None
    ca_file = given["ca_file"] or ""
    if ca_file and not Path(ca_file).is_file():
        raise AnsibleActionFail(f"service_expiry_ca_file: {ca_file} is not a file on the control node")
    bases = {str(ending): str(url) for ending, url in given["rdap_bases"].items()}
    return Request(datetime.now(UTC), zone, limits, Registry(services, bases, given["user_agent"], ca_file))
