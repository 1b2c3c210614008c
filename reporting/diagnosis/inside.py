"""What the host's answer means: sections -> checks. What did not come is `unknown`, with its reason, never `ok`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from reporting.diagnosis.database import database_check, wordpress_check
from reporting.diagnosis.logs import log_check
from reporting.diagnosis.model import Check, check
from reporting.diagnosis.outside import clock_check
from reporting.diagnosis.request import DiagnosisRequest
from reporting.diagnosis.rules import Rules
from reporting.diagnosis.script import Answer, Script, Section
from reporting.diagnosis.services import services_checks
from reporting.diagnosis.storage import storage_checks
from reporting.diagnosis.tls import Served, first_of
from reporting.text import harmless

Outside = tuple[Sequence[Check], Served | None]


def look_inside(  # noqa: PLR0913, PLR0917
    request: DiagnosisRequest, script: Script, answer: Answer, rules: Rules, outside: Outside, began: datetime
) -> list[Check]:
    """The checks from inside. `outside`: what `look_outside` gave; `began`: our clock when its first line came."""
    answers = any(seen.name == "http" and seen.state == "ok" for seen in outside[0])
    now, zone, clock = _clock(_one(answer, "clock"), request, began)
    checks = [clock, *_system(_one(answer, "system"), request)]
    checks += _all(_one(answer, "storage"), storage_checks(_one(answer, "storage"), script.folders, request.limits))
    checks += _all(_one(answer, "services"), services_checks(_one(answer, "services"), request.services, answers))
    checks += [_php(_one(answer, "php")), *(_web(section) for section in answer.named("web") if _is_there(section))]
    checks += _databases(request, answer)
    checks.append(log_check(answer.named("log"), request, rules, zone, now).timed(_seconds(answer, "log")))
    checks.append(_certificate(request, answer, outside[1]))
    return checks


def _one(answer: Answer, name: str, about: str = "") -> Section | None:
    return next((s for s in answer.named(name) if not about or s.about == about), None)


def _all(section: Section | None, checks: list[Check]) -> list[Check]:
    """The first of a section's checks carries its time."""
    return [checks[0].timed(section.seconds), *checks[1:]] if section and checks else checks


def _seconds(answer: Answer, name: str) -> float:
    return sum(section.seconds for section in answer.named(name))


def _silent(name: str) -> Check:
    return check(name, "inside", "unknown", "the host gave no answer in time", "host tidak menjawab tepat waktu")


# -- clock, load, memory


def _clock(section: Section | None, request: DiagnosisRequest, began: datetime) -> tuple[datetime, str, Check]:
    words = dict(line.split(" ", 1) for line in (section.lines if section else []) if " " in line)
    try:
        now = datetime.fromisoformat(words.get("now", "")).replace(tzinfo=UTC)
    except ValueError:
        return began, "+0000", _silent("clock")
    offset = (now - began).total_seconds()
    seen = clock_check("clock", "inside", offset, request)
    return now + timedelta(0), words.get("zone", "+0000"), seen.timed(section.seconds if section else 0.0)


def _system(section: Section | None, request: DiagnosisRequest) -> list[Check]:
    if section is None:
        return [_silent("load"), _silent("memory")]
    words = {word: rest.split() for word, _, rest in (line.partition(" ") for line in section.lines) if rest}
    oom = [line.removeprefix("dmesg ") for line in section.lines if line.startswith("dmesg ")]
    uptime = _number(words.get("uptime"))
    return [_load(_number(words.get("load")), _number(words.get("cpus")), request).timed(section.seconds),
            _memory(words, _recent_oom(oom, uptime, request), request)]  # fmt: skip


def _number(words: list[str] | None) -> float | None:
    try:
        return float(words[0]) if words else None
    except ValueError:
        return None


def _load(load: float | None, cpus: float | None, request: DiagnosisRequest) -> Check:
    if load is None or not cpus:
        return check("load", "inside", "unknown", "the load cannot be read", "beban tidak terbaca")
    shown, shown_id = f"load {load:g} on {cpus:g} processors", f"load {load:g} pada {cpus:g} prosesor"
    facts = {"load": f"{load:g}"}
    if load > request.limits.load_per_cpu * cpus:
        return check("load", "inside", "problem", f"overloaded: {shown}", f"kelebihan beban: {shown_id}", "load.high",
                     facts=facts)  # fmt: skip
    return check("load", "inside", "ok", shown, shown_id, facts=facts)


def _memory(words: dict[str, list[str]], oom: list[str], request: DiagnosisRequest) -> Check:
    total, free = _number(words.get("MemTotal:")), _number(words.get("MemAvailable:"))
    swap = _number(words.get("SwapFree:")) or 0.0
    if not total or free is None:
        return check("memory", "inside", "unknown", "the memory cannot be read", "memori tidak terbaca")
    percent = 100 * (free + swap) / total
    facts = {"memory": f"{percent:.0f}"}
    shown, shown_id = f"{percent:.0f} % available", f"tersedia {percent:.0f} %"
    if oom:
        return check("memory", "inside", "problem", f"the kernel ended a process for want of memory: {oom[-1]}",
                     f"kernel menghentikan proses karena kehabisan memori: {oom[-1]}", "memory.oom", facts=facts,
                     lines=tuple(oom))  # fmt: skip
    if percent < request.limits.memory_percent:
        return check("memory", "inside", "problem", f"only {shown}", f"hanya {shown_id}", "memory.low", facts=facts)
    return check("memory", "inside", "ok", shown, shown_id, facts=facts)


def _recent_oom(lines: list[str], uptime: float | None, request: DiagnosisRequest) -> list[str]:
    """Kernel messages say seconds since the start; only those of the last minutes count."""
    recent = []
    for line in lines:
        match = re.match(r"\[\s*(\d+)(\.\d+)?\]", line)
        if match and uptime is not None and uptime - float(match[1]) <= 60 * request.limits.log_minutes:
            recent.append(harmless(line, 200))
    return recent


# -- PHP, the web server's configuration


def _php(section: Section | None) -> Check:
    if section is None:
        return _silent("php")
    lines = [line for line in section.lines if line.strip()]
    if "none" in lines:
        return check("php", "inside", "skipped", "no php on this account's command line",
                     "tidak ada php pada baris perintah akun ini")  # fmt: skip
    version = next((line.removeprefix("laman-php ") for line in lines if line.startswith("laman-php ")), None)
    if version is not None:
        return check("php", "inside", "ok", f"PHP {version} runs", f"PHP {version} berjalan").timed(section.seconds)
    said = lines[0] if lines else "no answer in time"
    said_id = lines[0] if lines else "tidak menjawab tepat waktu"
    return check("php", "inside", "problem", f"does not run: {said}", f"tidak berjalan: {said_id}", "php.broken",
                 facts={"said": said, "said_id": said_id}).timed(section.seconds)  # fmt: skip


def _is_there(section: Section) -> bool:
    return "none" not in section.lines


_GOOD = re.compile(r"test is successful|^Syntax OK$", re.MULTILINE)
_BARRED = re.compile(r"Permission denied|\(13: |not tested as root|Operation not permitted")
_BAD = re.compile(r"\[emerg\]|Syntax error|AH0052[0-9]|Invalid command|Cannot load|No such file", re.IGNORECASE)


def _web(section: Section) -> Check:
    """What `nginx -t` or `apache2 -t` said. Without root a key may be unreadable; what comes before it was tested."""
    name, about = "web_config", harmless(section.about, 20)
    text = "\n".join(section.lines)
    bad = [line for line in section.lines if _BAD.search(line) and not _BARRED.search(line)]
    if bad:
        said = re.sub(r"^nginx: |^\S+ \S+ ", "", bad[0]) if not bad[0].startswith("nginx:") else bad[0][7:]
        return check(name, "inside", "problem", f"{about}: {said}", f"{about}: {said}", "web.config_broken",
                     facts={"said": said}).timed(section.seconds)  # fmt: skip
    if _GOOD.search(text) and not _BARRED.search(text):
        return check(name, "inside", "ok", f"{about}: good", f"{about}: baik", "web.config_ok").timed(section.seconds)
    barred = next((line for line in section.lines if _BARRED.search(line)), "")
    why = f"{about}: not all of it may be read by this account ({barred or 'no answer'})"
    why_id = f"{about}: tidak semuanya boleh dibaca akun ini ({barred or 'tidak ada jawaban'})"
    return check(name, "inside", "unknown", why, why_id).timed(section.seconds)


# -- databases, certificate


def _databases(request: DiagnosisRequest, answer: Answer) -> list[Check]:
    checks = []
    for number, database in enumerate(request.databases):
        section = _one(answer, "sqlite" if database.kind == "sqlite" else "database", str(number))
        checks.append(database_check(section, database, number).timed(section.seconds if section else 0.0))
    if not request.databases:
        checks.append(check("database", "inside", "skipped", "no database in the settings (site_diagnosis_databases)",
                            "tidak ada basis data pada pengaturan (site_diagnosis_databases)"))  # fmt: skip
    checks += [wordpress_check(section).timed(section.seconds) for section in answer.named("wordpress")]
    return checks


def _certificate(request: DiagnosisRequest, answer: Answer, served: Served | None) -> Check:
    """The file on the host against what is handed out: a renewed one that was never loaded is a classic."""
    if not request.secure:
        return check("certificate", "inside", "skipped", "the site's address is plain http",
                     "alamat laman memakai http biasa")  # fmt: skip
    files = {}
    for section in answer.named("certificate"):
        found = first_of("\n".join(section.lines), request.host)
        if found is not None and (found.covers_host or section.about in request.certificate_files):
            files[section.about] = found
    if not files or served is None:
        why = "no certificate file can be read" if served else "no certificate is handed out to compare with"
        why_id = "tidak ada berkas sertifikat yang terbaca" if served else "tidak ada sertifikat untuk dibandingkan"
        return check("certificate", "inside", "unknown", why, why_id)
    same = [path for path, found in files.items() if found.fingerprint == served.fingerprint]
    if same:
        return check("certificate", "inside", "ok", f"{same[0]} is what is handed out",
                     f"{same[0]} sama dengan yang dipakai", "certificate.ok")  # fmt: skip
    path, newest = max(files.items(), key=lambda item: item[1].not_after)
    ends = f"{newest.not_after:%Y-%m-%d}"
    return check("certificate", "inside", "problem", f"{path} (until {ends}) is not what is handed out",
                 f"{path} (sampai {ends}) bukan yang sedang dipakai", "certificate.not_loaded",
                 facts={"file": path, "until": ends})  # fmt: skip


__all__ = ["look_inside"]
