"""The ledger: append-only, hash-chained events, and the archive of evidence they name."""

from reporting.ledger.archive import Archive
from reporting.ledger.model import Draft, Event, Head, Ledger, LedgerError, Problem
from reporting.ledger.open import open_ledger

__all__ = ["Archive", "Draft", "Event", "Head", "Ledger", "LedgerError", "Problem", "open_ledger"]
