"""What the engines accept of a site's role variables, asked before anything is begun.

Plain functions: the site's name and the resolved variables -> lines, each naming the variable and what is expected.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reporting.backup_set.request import RequestError, read_medium, read_request
from reporting.backup_set.request_cpanel import read_cpanel_request
from reporting.content.settings import SettingsError, read_plan
from reporting.diagnosis.request import DiagnosisError, Limits
from reporting.diagnosis.request import read_request as read_diagnosis
from reporting.diagnosis.script import script_for
from reporting.hosts.cpanel import Account, CpanelError
from reporting.visitor_log.collect import CollectError
from reporting.visitor_log.shell import glob_word

Values = dict[str, Any]
_PLAN = ("sections", "timezone", "user_agent", "tls_warning_days")
_LOOKS = ("url", "method", "trees", "paths", "databases", "error_logs", "certificate_files", "services", "addresses",
          "nameservers", "ca_file")  # fmt: skip
_LIMITS = ("connect_timeout", "timeout", "total_timeout", "retries", "per_host", "at_once", "redirects", "max_bytes")


def access_problems(_site: str, values: Values) -> list[str]:
    """Role site_access: over cPanel, host, user and token have to be there."""
    if values["site_access_method"] != "cpanel_api":
        return []
    ca_file = values["site_access_cpanel_ca_file"]
    try:
        Account(
            host=values["site_access_cpanel_host"],
            user=values["site_access_cpanel_user"],
            token=values["site_access_cpanel_token"],
            port=values["site_access_cpanel_port"],
        )
    except CpanelError as error:
        return [str(error)]
    return _no_file("site_access_cpanel_ca_file", ca_file)


def content_problems(site: str, values: Values) -> list[str]:
    """Role content_status: sections and limits."""
    raw = {key: values[f"content_status_{key}"] for key in _PLAN}
    # The specification gives a section its optional keys as nothing; the engine wants them absent.
    raw["sections"] = [_present(section) for section in raw["sections"]]
    raw["limits"] = {key: values[f"content_status_{key}"] for key in _LIMITS}
    ca_file = values["content_status_ca_file"]
    try:
        read_plan({"site": site, **raw}, values["content_status_url"])
    except SettingsError as error:
        return [_prefixed("content_status_", str(error))]
    return _no_file("content_status_ca_file", ca_file)


def backup_problems(site: str, values: Values) -> list[str]:
    """Role site_backup: what is taken, over a shell or through cPanel, and the medium."""
    asked = {"site": site, "execution": "check"}
    try:
        if values["site_access_method"] == "cpanel_api":
            keys = ("home", "databases", "wait_minutes")
            read_cpanel_request({**asked, **{key: values[f"site_backup_cpanel_{key}"] for key in keys}})
        else:
            read_request(
                {
                    **asked,
                    "trees": [_present(tree) for tree in values["site_backup_trees"]],
                    "databases": values["site_backup_databases"],
                    "idle_timeout": values["site_backup_idle_timeout"],
                }
            )
    except RequestError as error:
        return [str(error)]
    try:
        read_medium(values["site_backup_medium"])
    except RequestError as error:
        return [str(error).replace("backup_media_medium", "site_backup_medium")]
    return []


def log_problems(_site: str, values: Values) -> list[str]:
    """Role visitor_log: the logs and the time zone."""
    paths, zone = values["visitor_log_paths"], values["visitor_log_zone"]
    if not paths:
        return ["visitor_log_paths is empty: name the site's access logs, e.g. /var/log/nginx/access.log*"]
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [f"visitor_log_zone: {zone!r} is no time zone, e.g. Asia/Jakarta"]
    if values["site_access_method"] == "cpanel_api":
        return []
    problems = []
    for path in paths:
        try:
            glob_word(path)
        except CollectError as error:
            problems.append(str(error))
    return problems


def diagnosis_problems(site: str, values: Values) -> list[str]:
    """Role site_diagnosis: address, folders, databases, thresholds; and whether it all fits into one script."""
    if not values["site_diagnosis_url"]:  # only `laman diagnose` needs it, and says so; a run does without
        return []
    raw = {key: values[f"site_diagnosis_{key}"] for key in _LOOKS}
    raw["databases"] = [_present(database) for database in raw["databases"]]
    raw["limits"] = {key: values[f"site_diagnosis_{key}"] for key in Limits.model_fields}
    try:
        script_for(read_diagnosis({"site": site, **raw}))
    except DiagnosisError as error:
        return [str(error)]
    return _no_file("site_diagnosis_ca_file", values["site_diagnosis_ca_file"])


def diagnosis_hints(_site: str, values: Values) -> list[str]:
    """Role site_diagnosis: without an address `laman diagnose` cannot look."""
    if values.get("site_diagnosis_url"):
        return []
    return ["laman diagnose cannot look at it: set content_status_url or site_diagnosis_url"]


def _present(given: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _present(value) if isinstance(value, dict) else value for key, value in given.items() if value is not None
    }


def _prefixed(prefix: str, line: str) -> str:
    return line if line.startswith(prefix) else prefix + line.removeprefix("limits.")


def _no_file(name: str, path: str) -> list[str]:
    if path and not Path(path).expanduser().is_file():
        return [f"{name}: {path} is not a file on the control node"]
    return []


# The engine behind each role that `settings_check` can be asked about.
ENGINES: dict[str, Callable[[str, Values], list[str]]] = {
    "site_access": access_problems,
    "content_status": content_problems,
    "site_backup": backup_problems,
    "visitor_log": log_problems,
    "site_diagnosis": diagnosis_problems,
}

__all__ = ["ENGINES", "access_problems", "backup_problems", "content_problems", "diagnosis_problems", "log_problems"]
# What is no failure, but something that `laman check` tells.
HINTS: dict[str, Callable[[str, Values], list[str]]] = {"site_diagnosis": diagnosis_hints}
