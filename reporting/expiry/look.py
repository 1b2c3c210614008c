"""Many services at once: each is looked up by its own method, within one time for all."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from urllib.parse import urlsplit

from reporting.expiry import rdap, tls, whois
from reporting.expiry.bootstrap import BootstrapError
from reporting.expiry.lifecycle import cycle_for, phase_on, told_by
from reporting.expiry.model import Job, Limits, Look, known, unknown
from reporting.expiry.rdap import Registry
from reporting.text import harmless


@dataclass(frozen=True)
class Request:
    """What all look-ups of a run share. `zone`: where a service's last day ends at midnight."""

    now: datetime
    zone: tzinfo
    limits: Limits = field(default_factory=Limits)
    registry: Registry = field(default_factory=Registry)


def look_at(job: Job, request: Request) -> Look:
    """Find the end of one service by its method; never raises for what the outside world does."""
    method = job.watch.method
    if method == "rdap":
        return rdap.look(job.watch, request.now, request.limits, request.registry)
    if method == "whois":
        return whois.look(job.watch, request.now, request.limits)
    if method == "tls":
        return tls.look(job.watch, request.limits)
    return _from_settings(job, request)


def _from_settings(job: Job, request: Request) -> Look:
    """The date in the settings. cPanel's API tells nothing about when a hosting contract ends; that is said plainly."""
    plainly = "cPanel does not tell when the contract ends; " if job.watch.method == "cpanel" else ""
    if job.ends is None:
        return unknown(job.watch.method, "settings", f"{plainly}give the service `ends`")
    midnight = datetime.combine(job.ends + timedelta(days=1), datetime.min.time(), request.zone)
    return known("manual", "settings", midnight - timedelta(seconds=1), f"{plainly}date of the settings".strip())


def phase_of(job: Job, look: Look, request: Request) -> str:
    """The phase of the life cycle that a look shows; empty when the end is unknown."""
    if look.ends_at is None:
        return ""
    cycle = cycle_for(job.kind, job.watch.name, job.after_end)
    ends = look.ends_at.astimezone(request.zone).date()
    return phase_on(cycle, ends, request.now.astimezone(request.zone).date(), told_by(look.statuses)).name


def look_at_all(jobs: Sequence[Job], request: Request) -> list[Look]:
    """Look all services up, in order; one that got no turn within the time for all is unknown.

    The workers are daemons: a name server that never answers cannot hold the process up at its end.
    """
    todo: queue.SimpleQueue[tuple[int, Job] | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Look]] = queue.SimpleQueue()
    hosts = _Hosts(request)
    for item in enumerate(jobs):
        todo.put(item)
    for _ in range(min(request.limits.at_once, len(jobs))):
        todo.put(None)
        threading.Thread(target=_work, args=(todo, done, hosts), daemon=True).start()
    return _collected(jobs, done, request.limits.total_timeout)


def _collected(jobs: Sequence[Job], done: queue.SimpleQueue[tuple[int, Look]], seconds: float) -> list[Look]:
    deadline = time.monotonic() + seconds
    found: dict[int, Look] = {}
    while len(found) < len(jobs):
        try:
            number, look = done.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[number] = look
    late = f"not reached within {seconds:g} s for all services"
    return [found.get(n) or unknown(job.watch.method, job.watch.name, late) for n, job in enumerate(jobs)]


def _work(
    todo: queue.SimpleQueue[tuple[int, Job] | None], done: queue.SimpleQueue[tuple[int, Look]], hosts: _Hosts
) -> None:
    while (item := todo.get()) is not None:
        number, job = item
        try:
            look = hosts.look(job)
        except Exception as error:  # noqa: BLE001 - a look-up that breaks is unknown too, and says so; the rest goes on
            said = f"{type(error).__name__} {error}"
            look = unknown(job.watch.method, job.watch.name, f"the look-up broke: {harmless(said, 200)}")
        done.put((number, look))


class _Hosts:
    """So many look-ups at once at one registry and no more; and none at one that has had too many questions."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Semaphore] = {}
        self._closed: dict[str, str] = {}

    def look(self, job: Job) -> Look:
        host = _host(job, self._request)
        with self._lock:
            turn = self._turns.setdefault(host, threading.Semaphore(self._request.limits.per_host))
        with turn:
            if host in self._closed:
                return unknown(job.watch.method, host, f"not asked: {self._closed[host]}")
            look = look_at(job, self._request)
        if look.reason.startswith(rdap.TOO_MANY):
            self._closed[host] = look.reason
        return look


def _host(job: Job, request: Request) -> str:
    """Who is asked, as far as that can be told before it is."""
    watch = job.watch
    if watch.method == "rdap":
        try:
            return urlsplit(rdap.query_url(watch, watch.name.lower(), request.registry) or "").netloc
        except (ValueError, BootstrapError):
            return ""  # the look-up itself will say it
    if watch.method == "whois":
        return watch.server or watch.name.rpartition(".")[2]
    return watch.name
