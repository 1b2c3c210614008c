"""What `laman due --run` does about e-mail, and what `laman due` says about it: letters that wait, or need a person."""

from __future__ import annotations

from datetime import datetime, timedelta

from reporting.cli.common import Refused, command_line, local
from reporting.cli.digest import next_digest, send_daily
from reporting.cli.duties import Duty, responsible
from reporting.cli.post import Outcome, send_pending, unsent
from reporting.notify.outbox import Post
from reporting.runner.model import Record

_ABOUT = {"report": ("the report of {period}", "laporan {period}"), "digest": ("the reminder", "pengingat")}


def mail_due(record: Record) -> tuple[list[str], list[str]]:
    """Send what waits and the digests of the day; returns what was sent and what could not be, one line each.

    Each letter is tried once, when its time has come. Nothing is raised for want of settings or of a server.
    """
    outcomes, wrong = send_pending(record), []
    try:
        outcomes += send_daily(record)
    except Refused as error:
        wrong.append(str(error))
    said = [f"{_name(o)} sent to {o.post.wanted.to.officer}" for o in outcomes if o.state == "sent"]
    problems = [f"{_name(o)} NOT sent to {o.post.wanted.to.officer}: {o.text}" for o in outcomes if o.state != "sent"]
    return said, [*problems, *wrong]


def next_mail(record: Record) -> datetime | None:
    """When the next letter is to be tried, or the day's reminders are to be sent; None: nothing of today waits."""
    waiting, _ = unsent(record)
    digests = next_digest(record)
    return min([*(post.again_at() for post in waiting), *([digests] if digests else [])], default=None)


def mail_duties(record: Record) -> list[Duty]:
    """What somebody has to do about letters: find out whether one arrived, mend what keeps one from being sent."""
    waiting, unanswered = unsent(record)
    stuck = [p for p in waiting if p.failure is not None and not p.failure.transient]
    return [_duty(record, post) for post in [*unanswered, *stuck]]


def _duty(record: Record, post: Post) -> Duty:
    wanted = post.wanted
    about, about_id = (text.format(period=wanted.period) for text in _ABOUT[wanted.about])
    to, when = f"{wanted.to.name} <{wanted.to.address}>", local(post.at, record.inventory)
    if post.state == "uncertain":
        what = f"find out whether {about} reached {to} on {when}; if not, send it again"
        what_id = f"pastikan {about_id} sampai kepada {to} pada {when}; bila tidak, kirim ulang"
    else:
        why = post.failure.reason if post.failure else ""
        what = f"{about} did not reach {to}: {why}"
        what_id = f"{about_id} belum sampai kepada {to}: {why}"
    again = ["--again"] if post.state == "uncertain" else []
    words = ["report", "--period", wanted.period, "--send", "--to", wanted.to.officer, *again]
    command = command_line(record.inventory, *(words if wanted.about == "report" else ["due", "--send"]))
    who, officer = responsible(record.inventory, 8)
    since = wanted.wanted_at.astimezone(record.inventory.unit.tz)
    return Duty(what, command, None, who, officer, since + timedelta(days=1), what_id)


def _name(outcome: Outcome) -> str:
    wanted = outcome.post.wanted
    return _ABOUT[wanted.about][0].format(period=wanted.period)
