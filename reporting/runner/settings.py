"""Are the role variables of the sites usable? Asked before anything is begun: a typo is no officer's deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reporting.runner.play import CannotRun, Play, play
from reporting.runner.track import Tracker, refusal
from reporting.text import harmless
from reporting.unit import Inventory, check_variables

_PLAYBOOK = Path(__file__).with_name("settings.yml")
_ROLES = {1: "content_status", 2: "site_backup", 3: "visitor_log", 8: "site_diagnosis"}
_SECONDS_PER_SITE = 5.0
_SECONDS_AT_LEAST = 120.0


class WrongSettings(Exception):
    """Role variables that cannot be used; a line for each, naming site, variable and what is expected."""

    def __init__(self, problems: dict[str, list[str]]) -> None:
        super().__init__("\n".join(f"{site}: {line}" for site, lines in problems.items() for line in lines))


@dataclass
class _Answers:
    """What the play says, site by site."""

    tracker: Tracker
    found: dict[str, list[str]] = field(default_factory=dict)
    hints: dict[str, list[str]] = field(default_factory=dict)

    def take(self, event: dict[str, Any]) -> None:
        self.tracker.take(event)
        data = event.get("event_data") or {}
        result = data.get("res")
        if isinstance(result, dict) and isinstance(result.get("settings_problems"), list):
            self.found[str(data.get("host"))] = [harmless(line, 500) for line in result["settings_problems"]]
            self.hints[str(data.get("host"))] = [harmless(line, 500) for line in result.get("settings_hints", [])]


def settings_problems(inventory: Inventory, sites: Sequence[str], activities: Sequence[int]) -> dict[str, list[str]]:
    """What is wrong with the role variables that these activities use, by site; nothing when all is right.

    Activities 1 to 3, and 8 for its diagnosis.

    Raises:
        SettingsError: a file of variables is broken.
        CannotRun: ansible refuses the inventory, or was interrupted.
    """
    return settings_looked(inventory, sites, activities)[0]


def settings_looked(
    inventory: Inventory, sites: Sequence[str], activities: Sequence[int]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """As `settings_problems`; and hints by site, which are no failures."""
    check_variables(inventory)
    answers = _Answers(Tracker(list(sites)))
    roles = ["site_access", *(_ROLES[number] for number in activities)]
    request = Play(
        playbook=_PLAYBOOK,
        inventory=inventory.hosts_file,
        hosts=list(sites),
        extra_vars={"laman_roles": roles},
        limit_seconds=max(_SECONDS_AT_LEAST, _SECONDS_PER_SITE * len(sites)),
    )
    played = play(request, answers.take, lambda: None)
    if played.stop_cause is not None:
        raise CannotRun(f"interrupted while the settings were looked at ({played.stop_cause}); nothing was begun")
    missing = [site for site in sites if site not in answers.found]
    for site in missing:
        problem = answers.tracker.sites[site].problem
        if not problem:
            raise CannotRun(f"ansible refuses the inventory {inventory.folder}: {refusal(answers.tracker.said)}")
        answers.found[site] = [problem]
    wrong, hints = answers.found, answers.hints
    return {s: wrong[s] for s in sites if wrong[s]}, {s: hints[s] for s in sites if hints.get(s)}


def require_usable(inventory: Inventory, sites: Sequence[str], activities: Sequence[int]) -> None:
    """Go on only when the role variables of all these sites are usable.

    Raises:
        WrongSettings: they are not; a line for each problem.
        SettingsError, CannotRun: as `settings_problems`.
    """
    problems = settings_problems(inventory, sites, activities)
    if problems:
        raise WrongSettings(problems)
