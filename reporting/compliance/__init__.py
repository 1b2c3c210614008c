"""Compliance: (standards, events, period) -> executions with verdicts, occasions, deviations. Pure; it has no store."""

from reporting.compliance.evaluate import evaluate
from reporting.compliance.model import (
    AccountState,
    ActivityTotals,
    Aspect,
    Compliance,
    ComplianceError,
    Deviation,
    Evidence,
    Execution,
    ExecutionStatus,
    Judgement,
    Occasion,
    OccasionKey,
    OccasionState,
    Review,
    Status,
    shown,
)
from reporting.compliance.outstanding import Earlier, earlier_of, evaluate_all, no_longer
from reporting.compliance.period import Period, PeriodError
from reporting.compliance.windows import LONGEST, Window, upcoming

__all__ = [
    "LONGEST",
    "AccountState",
    "ActivityTotals",
    "Aspect",
    "Compliance",
    "ComplianceError",
    "Deviation",
    "Earlier",
    "Evidence",
    "Execution",
    "ExecutionStatus",
    "Judgement",
    "Occasion",
    "OccasionKey",
    "OccasionState",
    "Period",
    "PeriodError",
    "Review",
    "Status",
    "Window",
    "earlier_of",
    "evaluate",
    "evaluate_all",
    "no_longer",
    "shown",
    "upcoming",
]
