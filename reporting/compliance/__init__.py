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
    "evaluate",
    "shown",
    "upcoming",
]
