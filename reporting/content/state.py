"""What earlier runs saw of sections that give no date: a fingerprint of the text, and since when it is so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reporting.files import replace_whole
from reporting.text import harmless

_VERSION = 1


class StateError(ValueError):
    """A state file that cannot be used; the message names it and what to do."""


@dataclass(frozen=True)
class Seen:
    """A fingerprint, since when it is known, and whether it took the place of another (a change that was seen)."""

    fingerprint: str
    since: datetime
    changed: bool


class Memory:
    """Fingerprints by address. In memory only until `save`."""

    def __init__(self, seen: dict[str, Seen] | None = None) -> None:
        self._seen = dict(seen or {})
        self._altered = False

    def note(self, url: str, fingerprint: str, now: datetime) -> Seen:
        """Remember what was seen, and say what it means together with what was known."""
        known = self._seen.get(url)
        if known is None or known.fingerprint != fingerprint:
            self._seen[url] = Seen(fingerprint, now, changed=known is not None)
            self._altered = True
        return self._seen[url]

    @classmethod
    def load(cls, path: Path) -> Memory:
        """Read the file; empty when there is none.

        Raises:
            StateError: it is there and is not what `save` wrote.
        """
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:
            raise StateError(_advice(path, error)) from None
        try:
            if raw["version"] != _VERSION:
                raise StateError(_advice(path, f"version {raw['version']!r}"))
            return cls({url: _seen(value) for url, value in raw["seen"].items()})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateError(_advice(path, error)) from None

    def save(self, path: Path) -> bool:
        """Replace the file in one step when something is new; whether it was."""
        if not self._altered:
            return False
        seen = {
            url: {"fingerprint": s.fingerprint, "since": s.since.isoformat(), "changed": s.changed}
            for url, s in sorted(self._seen.items())
        }
        content = json.dumps({"version": _VERSION, "seen": seen}, indent=1, ensure_ascii=False) + "\n"
        replace_whole(path, content.encode("utf-8", "replace"))
        self._altered = False
        return True


def _seen(value: dict[str, object]) -> Seen:
    since = datetime.fromisoformat(str(value["since"]))
    if since.tzinfo is None:
        raise ValueError("a time without a zone")
    return Seen(str(value["fingerprint"]), since, value["changed"] is True)


def _advice(path: Path, error: object) -> str:
    return f"{path}: not a state file of content_status ({harmless(error, 100)}): move it away; watching starts anew"


__all__ = ["Memory", "Seen", "StateError"]
