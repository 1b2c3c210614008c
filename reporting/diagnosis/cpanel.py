"""What cPanel's UAPI tells of an account, where there is no shell: quota, and the account's own resource limits.

Everything else (services, logs, load, clock) it does not tell: those checks are `skipped`, with that reason.
Field names from cPanel's documentation (Quota::get_quota_info, ResourceUsage::get_usages); numbers come as text too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reporting.diagnosis.model import Check, check
from reporting.diagnosis.request import Limits
from reporting.text import harmless

_HIDDEN = (
    "load",
    "memory",
    "read_only",
    "services",
    "php",
    "web_config",
    "database",
    "error_log",
    "certificate",
    "clock",
)
Call = Callable[[str, str], Any]  # module, function -> data; raises what `failed` explains


def look_through_cpanel(call: Call, failed: type[Exception], limits: Limits) -> list[Check]:
    """The checks from inside that cPanel's API allows. `failed`: what `call` raises when the function is not there."""
    checks = []
    try:
        checks += quota_checks(call("Quota", "get_quota_info"), limits)
    except failed as error:
        checks.append(check("disk", "inside", "unknown", str(error), f"kuota tidak terbaca: {error}"))
    try:
        checks.append(usage_check(call("ResourceUsage", "get_usages")))
    except failed as error:
        checks.append(check("usage", "inside", "unknown", str(error), f"pemakaian tidak terbaca: {error}"))
    why = "cPanel's API does not show it; a shell would"
    why_id = "API cPanel tidak memperlihatkannya; diperlukan akses shell"
    return checks + [check(name, "inside", "skipped", why, why_id) for name in _HIDDEN]


def quota_checks(data: Any, limits: Limits) -> list[Check]:
    """Checks `disk` and `inodes` of a quota; 0 as a limit is "none, or quotas are off": nothing is claimed then."""
    data = data if isinstance(data, dict) else {}
    return [
        _share("disk", "quota.full", "MB", _number(data, "megabytes_used"), _number(data, "megabyte_limit"), limits),
        _share("inodes", "inodes.full", "", _number(data, "inodes_used"), _number(data, "inode_limit"), limits),
    ]


def _share(  # noqa: PLR0913, PLR0917
    name: str, sign: str, unit: str, used: float | None, limit: float | None, limits: Limits
) -> Check:
    if used is None or limit is None:
        return check(name, "inside", "unknown", "cPanel tells no quota", "cPanel tidak menyebut kuota")
    if limit <= 0:
        return check(name, "inside", "unknown", f"{used:g} {unit} used; no limit, or quotas are off".replace("  ", " "),
                     f"terpakai {used:g} {unit}; tanpa batas, atau kuota tidak aktif".replace("  ", " "))  # fmt: skip
    percent = 100 * used / limit
    shown = f"{used:g} of {limit:g} {unit} ({percent:.0f} %)".replace("  ", " ")
    facts = {
        "used": f"{percent:.0f}" if name == "inodes" else f"{used:g}",
        "limit": f"{limit:g}",
        "mount": "the account",
    }
    if percent >= limits.disk_percent:
        return check(name, "inside", "problem", f"used up: {shown}", f"habis: {shown}", sign, facts=facts)
    return check(name, "inside", "ok", shown, shown, facts=facts)


def usage_check(data: Any) -> Check:
    """Check `usage`: which of the account's limits is reached. Items: {description, usage, maximum, …}."""
    items = [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []
    shown, reached = [], []
    for item in items[:40]:
        used, most = _number(item, "usage"), _number(item, "maximum")
        if used is None or most is None or most <= 0:
            continue
        label = f"{harmless(item.get('description', item.get('id', '?')), 60)} {used:g}/{most:g}"
        shown.append(label)
        if used >= most:
            reached.append(label)
    if not shown:
        return check("usage", "inside", "unknown", "cPanel tells no limits of the account",
                     "cPanel tidak menyebut batas akun")  # fmt: skip
    if reached:
        text = "; ".join(reached)
        return check("usage", "inside", "problem", f"at its limit: {text}", f"mencapai batas: {text}", "usage.full",
                     facts={"limits": text})  # fmt: skip
    return check("usage", "inside", "ok", "; ".join(shown[:5]), "; ".join(shown[:5]))


def _number(data: dict[str, Any], key: str) -> float | None:
    try:
        return float(data[key])
    except (KeyError, TypeError, ValueError):
        return None


__all__ = ["look_through_cpanel", "quota_checks", "usage_check"]
