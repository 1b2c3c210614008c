"""Which store a ledger URL means. A new store (PostgreSQL) is one module beside `sqlite` and one line here."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from reporting.ledger.model import Ledger, LedgerError
from reporting.ledger.sqlite import SqliteLedger


def open_ledger(url: str | None, state_dir: Path, unit: str, *, read_only: bool = False) -> Ledger:
    """Open the ledger at `url`, or `ledger.sqlite` in the unit's state folder. `read_only` changes nothing there.

    Raises:
        LedgerError: unknown kind of store, or it cannot be opened.
    """
    if url is None:
        return SqliteLedger(state_dir / "ledger.sqlite", unit, read_only=read_only)
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and not parts.netloc and parts.path:
        return SqliteLedger(Path(parts.path), unit, read_only=read_only)
    raise LedgerError(f"laman_unit.ledger: {parts.scheme or url!r} is not a known store; use sqlite:///absolute/path")
