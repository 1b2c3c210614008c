"""Look the ends of services up and record what was seen: one `expiry.observed` per service.

Used by `laman service check`, and by whoever has to know whether an end has moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reporting.cli.common import Refused, this_agent
from reporting.events import KIND_EXPIRY, ExpiryObserved
from reporting.ledger import Draft
from reporting.runner.model import Record
from reporting.runner.play import PLAYBOOKS, CannotRun, Play, play
from reporting.service import Service
from reporting.text import harmless

_LIMIT_SECONDS = 900.0  # the role keeps its own time for all look-ups; this ends what does not


def look_up(record: Record, services: Sequence[Service]) -> list[ExpiryObserved]:
    """Read the end of each service now (playbooks/service_expiry.yml) and append what was seen, in one transaction.

    Raises:
        Refused: the playbook did not hand over one observation per service; nothing is recorded.
        CannotRun: ansible could not be started.
    """
    if not services:
        return []
    found = _observed(record, services)
    agent = this_agent()
    actor = f"{agent.kind}:{agent.name}"
    record.ledger.append([Draft(KIND_EXPIRY, seen.service, actor, seen.json_value()) for seen in found])
    return found


def _observed(record: Record, services: Sequence[Service]) -> list[ExpiryObserved]:
    answers: list[Any] = []
    said: list[str] = []  # what ansible printed
    failed: list[str] = []

    def take(event: dict[str, Any]) -> None:
        result = (event.get("event_data") or {}).get("res")
        if isinstance(result, dict) and event.get("event") == "runner_on_ok" and "service_expiry" in result:
            answers.extend(result["service_expiry"])
        elif isinstance(result, dict) and event.get("event") == "runner_on_failed":
            failed.append(str(result.get("msg", "no message")))
        elif event.get("stdout") and not answers:
            said.append(str(event["stdout"]))

    asked = [_asked(record, service) for service in services]
    request = Play(
        PLAYBOOKS / "service_expiry.yml", record.inventory.hosts_file, [], {"laman_services": asked}, _LIMIT_SECONDS
    )
    play(request, take, _idle)
    seen = {found.service: found for found in map(ExpiryObserved.model_validate, answers)}
    if len(answers) != len(services) or set(seen) != {service.id for service in services}:
        last = harmless((failed or said or ["it ended without a result"])[-1], 300)
        raise Refused(f"playbooks/service_expiry.yml: {last}; nothing is recorded")
    return [seen[service.id] for service in services]


def _idle() -> None:
    """Nothing has to be done while it runs."""


def _asked(record: Record, service: Service) -> dict[str, Any]:
    """What the look-up needs and no more: Ansible trusts extra variables as templates, and names are people's text."""
    watch = service.watch.model_dump(mode="json")
    if service.watch.ca_file:
        watch["ca_file"] = str(record.inventory.resolve(service.watch.ca_file))
    whole = service.model_dump(mode="json", include={"id", "kind", "ends", "after_end"})
    return whole | {"watch": watch}


__all__ = ["CannotRun", "look_up"]
