"""`backup restore SET --site`: shows what would change on the host; with --yes does it, compares, and records it."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from reporting.backup_set.manifest import Manifest, read_manifest
from reporting.backup_set.pages import compare_pages, fetcher
from reporting.cli.common import (
    Refused,
    command_line,
    executor_of,
    opened,
    standard_today,
    this_agent,
    today,
    wanted_sites,
)
from reporting.cli.main import EXIT_CANNOT, EXIT_DEVIATIONS, EXIT_OK
from reporting.cli.tables import table
from reporting.events import KIND_EVIDENCE, KIND_RESTORE, Compared, EvidenceAdded, RestoreMade
from reporting.files import write_whole
from reporting.ledger import Draft
from reporting.runner.locks import AlreadyRunning, run_lock
from reporting.runner.model import Record
from reporting.runner.play import PLAYBOOKS, CannotRun, Play, play
from reporting.runner.track import Tracker, refusal
from reporting.text import harmless
from reporting.unit import Inventory

_LIMIT_SECONDS = 12 * 3600.0
_FLAGS = ("delete_extra", "incomplete", "special_bits", "no_undo")


@dataclass
class _Answer:
    """What the play gives: the role's result, or why there is none."""

    tracker: Tracker
    result: dict[str, Any] = field(default_factory=dict)
    failed: str = ""

    def take(self, event: dict[str, Any]) -> None:
        self.tracker.take(event)
        data = event.get("event_data") or {}
        result = data.get("res") or {}
        facts = result.get("ansible_facts") if isinstance(result, dict) else None
        if isinstance(facts, dict) and "site_restore_result" in facts:
            self.result = facts["site_restore_result"]
        if event.get("event") in ("runner_on_failed", "runner_on_unreachable") and isinstance(result, dict):
            self.failed = harmless(result.get("msg", "the task failed"), 800)
        if event.get("event") == "runner_on_start":
            print(f"  {harmless(data.get('task', ''), 100)} …", file=sys.stderr, flush=True)


def restore_site(options: argparse.Namespace, inventory: Inventory, folder: Path, name: str, medium: str) -> int:
    """Plan or restore; exit 0 equal, 2 not equal or stopped, 1 could not begin."""
    (site,) = wanted_sites(inventory, [options.site])
    if folder.is_file():
        raise Refused(f"{name} is a cPanel archive: restore it with --to DIR, look at it, then bring it back by hand")
    manifest = read_manifest(folder)
    if manifest.site != site:
        raise Refused(f"set {name} is of site {manifest.site}, not of {site}: a set goes back to its own site only")
    began = datetime.now(UTC)
    local = began.astimezone(inventory.unit.tz)
    restore = f"{local:%Y%m%dT%H%M%S}-restore-{site}-{secrets.token_hex(4)}"
    with opened(inventory) as record:
        try:
            with run_lock(record.locks, "restore", site, {"set": name}):
                result = _played(inventory, site, folder, restore, options)
        except AlreadyRunning as busy:
            raise Refused(f"a restore of {site} is running already ({busy.holder})") from None
        if not options.yes:
            return _show(options, inventory, manifest, name, result)
        _compare_pages(manifest, result)
        event = _event(record, manifest, name, medium, restore, began, result)
        _record(record, event, local)
    for line in () if options.json else result["by_hand"]:
        print(harmless(line, 500))
    return _tell(options, inventory, event)


def _played(inventory: Inventory, site: str, folder: Path, restore: str, options: argparse.Namespace) -> dict[str, Any]:
    answer = _Answer(Tracker([site]))
    request = Play(
        playbook=PLAYBOOKS / "restore.yml",
        inventory=inventory.hosts_file,
        hosts=[site],
        extra_vars={
            "site_restore_set_folder": str(folder),
            "site_restore_name": restore,
            "site_restore_apply": bool(options.yes),
            "site_restore_delete_extra": bool(options.delete_extra),
            "site_restore_definer": options.definer,
            "site_restore_no_undo": bool(options.no_undo),
            "site_restore_incomplete": bool(options.incomplete),
            "site_restore_special_bits": bool(options.special_bits),
        },
        limit_seconds=_LIMIT_SECONDS,
    )
    played = play(request, answer.take, lambda: None)
    if answer.result:
        return answer.result
    if played.stop_cause is not None:
        raise CannotRun(
            f"ended ({played.stop_cause}): run it again; a restore that is cut short is finished by another"
        )
    raise CannotRun(f"{site}: {answer.failed or refusal(answer.tracker.said)}")


def _compare_pages(manifest: Manifest, result: dict[str, Any]) -> None:
    """What a visitor gets now against what was recorded with the set."""
    pages = manifest.pages
    if not result["begun"] or pages is None or not pages.pages:
        return
    results = compare_pages(pages, fetcher(pages.base))
    wrong = [f"{page.path}: {what}" for page, what in results if what]
    result["compared"].append(
        {
            "part": "", "what": "pages", "state": "differs" if wrong else "equal", "recorded": len(results),
            "restored": len(results) - len(wrong), "detail": harmless("; ".join(wrong), 1000), "seconds": 0.0,
        }
    )  # fmt: skip


def _event(  # noqa: PLR0913, PLR0917 - what an event is made of
    record: Record, manifest: Manifest, name: str, medium: str, restore: str, began: datetime, result: dict[str, Any]
) -> RestoreMade:
    inventory = record.inventory
    compared = [Compared(**entry | {"detail": entry["detail"][:1000]}) for entry in result["compared"]]
    status = _status(manifest, result, compared)
    changes = {
        f"{what}_{change}": sum(int(part[change]) for part in result[where])
        for what, where in (("files", "trees"), ("tables", "databases"))
        for change in ("added", "changed", "extra")
    }
    return RestoreMade(
        restore=restore,
        set=name,
        site=manifest.site,
        medium=medium,
        undo=result["undo"],
        status=status,
        ok=status == "equal",
        compared=compared,
        changes=changes,
        problems=[harmless(problem, 1000) for problem in (*result["problems"], *manifest.lacks())],
        executor=executor_of(inventory, standard_today(inventory), 2, today(inventory)),
        agent=this_agent(),
        began_at=began,
        ended_at=datetime.now(UTC),
    )


def _status(
    manifest: Manifest, result: dict[str, Any], compared: list[Compared]
) -> Literal["equal", "differs", "partly", "not_begun", "incomplete"]:
    if not result["begun"]:
        return "not_begun"
    if result["problems"]:
        return "partly"
    if not compared or any(c.state != "equal" for c in compared):
        return "differs"
    return "equal" if manifest.complete else "incomplete"


def _record(record: Record, event: RestoreMade, local: datetime) -> None:
    file = record.archive.folder("restore", event.restore, local) / "restore.json"
    write_whole(file, (json.dumps(event.json_value(), indent=1, ensure_ascii=False) + "\n").encode())
    evidence = record.archive.measure(file)
    actor = f"{event.agent.kind}:{event.agent.name}"
    added = EvidenceAdded(execution=event.restore, files=[evidence], of="restore")
    whole = event.model_copy(update={"files": [evidence]})
    record.ledger.append(
        [
            Draft(KIND_RESTORE, event.site, actor, whole.json_value()),
            Draft(KIND_EVIDENCE, event.site, actor, added.json_value()),
        ]
    )


def _show(
    options: argparse.Namespace, inventory: Inventory, manifest: Manifest, name: str, result: dict[str, Any]
) -> int:
    """What would change; nothing has. Exit 2 for a set that is incomplete."""
    site, missing = manifest.site, manifest.lacks()
    well = EXIT_DEVIATIONS if missing else EXIT_OK
    if options.json:
        shown = {"set": name, "site": site, "complete": manifest.complete, "set_problems": missing, **result}
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return EXIT_CANNOT if result["problems"] else well
    rows = [[part["part"], part.get("folder") or part.get("database"), "yes" if part["there"] else "no",
             *(str(part[key]) for key in ("added", "changed", "extra", "same"))]
            for part in (*result["trees"], *result["databases"])]  # fmt: skip
    print(table(["part", "where", "there", "comes", "is replaced", "not in the set", "same"], rows, limit=160))
    for part in (*result["trees"], *result["databases"]):
        for kind, sign in (("added", "+"), ("changed", "~"), ("extra", "-" if options.delete_extra else "?")):
            for line in part["examples"][kind][:10]:
                print(f"  {sign} {harmless(line, 200)}")
        if part.get("bits_taken_off"):
            print(f"  setuid or setgid is taken off {part['bits_taken_off']} members; --special-bits keeps it")
    for line in (*result["by_hand"], *missing):
        print(harmless(line, 500))
    for problem in result["problems"]:
        print(f"stands in the way: {harmless(problem, 500)}")
    if result["problems"]:
        print(f"Nothing was changed. Next: {_way_on(options, inventory, name, site, result['problems'])}")
        return EXIT_CANNOT
    words = ["backup", "restore", name, "--site", site]
    words += ["--definer", options.definer] if options.definer != "keep" else []
    words += [f"--{key.replace('_', '-')}" for key in _FLAGS if getattr(options, key)]
    print("Nothing was changed. What is not in the set (?) stays; --delete-extra removes it.")
    print(f"Next, to do it: {command_line(inventory, *words, '--yes')}")
    return well


def _way_on(options: argparse.Namespace, inventory: Inventory, name: str, site: str, problems: list[str]) -> str:
    """What to do about what stands in the way; the same command again only where that can end otherwise."""
    words = ["backup", "restore", name, "--site", site]
    words += ["--definer", options.definer] if options.definer != "keep" else []
    words += [f"--{key.replace('_', '-')}" for key in _FLAGS if getattr(options, key)]
    if any("--no-undo" in problem for problem in problems):
        without = command_line(inventory, *words, "--no-undo")
        return f"put that right; or give up what is there now, with no way back to it: {without}"
    return f"put that right, then: {command_line(inventory, *words)}"


def _tell(options: argparse.Namespace, inventory: Inventory, event: RestoreMade) -> int:
    code = {"equal": EXIT_OK, "not_begun": EXIT_CANNOT}.get(event.status, EXIT_DEVIATIONS)
    if options.json:
        print(json.dumps(event.json_value(), indent=2, ensure_ascii=False))
        return code
    seconds = (event.ended_at - event.began_at).total_seconds()
    words = {
        "equal": f"RESTORED and equal in {seconds:.1f} s",
        "differs": "restored, but NOT EQUAL to the set",
        "partly": "BEGUN AND NOT ENDED",
        "incomplete": "restored what the set has, and THE SET IS INCOMPLETE",
        "not_begun": "nothing was changed",
    }
    print(f"{event.site} {event.set}: {words[event.status]}")
    rows = [[c.part or "-", c.what, c.state, f"{c.restored} of {c.recorded}", harmless(c.detail, 200)]
            for c in event.compared]  # fmt: skip
    if rows:
        print(table(["part", "what", "", "restored", "detail"], rows, limit=120))
    for problem in event.problems:
        print(f"problem: {harmless(problem, 500)}")
    if event.undo:
        undo = command_line(inventory, "backup", "restore", event.undo, "--site", event.site, "--delete-extra", "--yes")
        print(f"What was there before is set {event.undo}; to undo: {undo}")
    if event.status == "equal":
        print(f"Next: look at the site; then {command_line(inventory, 'run', 'content', '--site', event.site)}")
    else:
        print(f"Next: {_way_on(options, inventory, event.set, event.site, event.problems)}")
    return code
