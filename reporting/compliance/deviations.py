"""The deviations of what was judged: which there are, when each became certain, and when the ledger learned of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from reporting.compliance.judge import Case
from reporting.compliance.model import TROUBLESHOOTING, Aspect, Deviation, Execution, Judgement, Occasion


def of_execution(case: Case, execution: Execution) -> Iterator[Deviation]:
    """The deviations of an execution, one for each aspect that deviates."""
    aspects: tuple[tuple[Aspect, Judgement], ...] = (
        ("perlengkapan", execution.requirement),
        ("waktu", execution.time),
        ("output", execution.output),
    )
    for aspect, judgement in aspects:
        if judgement.status == "menyimpang":
            yield Deviation(
                id=_deviation_id(execution.id, aspect),
                execution=execution.id,
                occasion=execution.occasion,
                activity=execution.activity,
                site=execution.site,
                aspect=aspect,
                reason=judgement.reason,
                executor=execution.executor,
                at=_certain_at(case, execution, aspect),
            )


def missed(occasion: Occasion) -> Deviation:
    """The deviation of a window that closed without a whole attempt."""
    return Deviation(
        id=_deviation_id(occasion.key.id, "jadwal"),
        execution=None,
        occasion=occasion.key,
        activity=occasion.activity,
        site=occasion.site,
        aspect="jadwal",
        reason=occasion.reason,
        executor=occasion.executor,
        at=occasion.closes_at,
    )


def known_at(case: Case, deviation: Deviation) -> datetime:
    """From when on an account can be asked for: it is certain, and the ledger has what makes it so.

    What is put on record late (a reopened ticket counts from its first report; work by hand) may have deviated long
    before anybody could know. The time of a ticket runs out by its start alone, solved or not; everything else that
    people did is known with its end. A machine is on record as it works.
    """
    record = case.record
    if not (record.started.by_hand or record.by_people):
        return deviation.at
    of_its_start = deviation.aspect == "waktu" and record.started.activity == TROUBLESHOOTING
    learned = record.recorded_at if of_its_start else record.ended_recorded_at or record.recorded_at
    return max(deviation.at, learned)


def _certain_at(case: Case, execution: Execution, aspect: Aspect) -> datetime:
    """When a deviation became certain: at the end, or when an end or a review failed to come in time."""
    measured = execution.goes_on or execution.minutes is not None
    if aspect == "waktu" and execution.activity == TROUBLESHOOTING and measured:
        return case.used_up_at.astimezone(execution.started_at.tzinfo)  # the same, whenever it will be solved
    if execution.ended_at is None:
        return case.limit.astimezone(execution.started_at.tzinfo)
    if aspect == "output" and case.lacks_only_review and execution.review_due is not None:
        return execution.review_due
    return execution.ended_at


def _deviation_id(what: str, aspect: Aspect) -> str:
    """A short name that every computation gives to the same deviation: `D-` and 40 bits of SHA-256."""
    return "D-" + hashlib.sha256(f"{what}|{aspect}".encode()).hexdigest()[:10].upper()
