"""Report and prove: the end of each service is looked up again; only an end that moved closes a case."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from reporting.attachments import Attached, attached
from reporting.cli.archiving import Made, archived, forget
from reporting.cli.common import Refused, inventory_of, named_officer, opened, today
from reporting.cli.main import EXIT_DEVIATIONS, EXIT_OK
from reporting.cli.renewal_known import (
    More,
    append,
    known_of,
    printed,
    renewal_lock,
    write_step,
)
from reporting.cli.renewal_steps import add_step_arguments, asked_of
from reporting.cli.renewal_view import case_json, judged, print_step
from reporting.events import ExpiryObserved, Person
from reporting.renewal.commands import Asked, Known, case_of, check_services, permit
from reporting.renewal.drafts import RENEWED, evidence_draft, proof_drafts
from reporting.renewal.model import Case, Proof
from reporting.renewal.proof import Since, prove
from reporting.renewal.words import say
from reporting.runner.model import Record
from reporting.service import Service
from reporting.text import harmless

Lookup = Callable[[Record, Sequence[Service]], None]  # leaves an `expiry.observed` event for each


def add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """The options of report and prove."""
    parser.add_argument("case", help="id of the case, e.g. P-2026-001")
    if name == "report":
        parser.add_argument(
            "--executor", "--as", dest="executor", metavar="NAME", help="who reports (default: by role)"
        )
        add_step_arguments(parser)
    else:
        parser.add_argument("--note", default="", help="what the attested document says")
    parser.add_argument("--attest", action="append", metavar="FILE", help="a document that says that it is renewed")
    parser.add_argument("--attested-by", metavar="NAME", help="the officer who answers for that document")
    parser.add_argument("--offline", action="store_true", help="look nothing up: the last look on record counts")


def run(options: argparse.Namespace, lookup: Lookup | None = None) -> int:
    """Look, then record; returns the exit code."""
    inventory = inventory_of(options)
    with opened(inventory) as record:
        case = _checked(options, record)
        if not options.offline:
            known = known_of(record)
            services = [known.services[n.service] for n in case.lines if n.service in known.services]
            (lookup or look_again)(record, services)
        if options.action == "report":
            return _report(options, record)
        return _prove(options, record)


def look_again(record: Record, services: Sequence[Service]) -> None:
    """Read the ends that can be read, now; what was seen is on record whatever becomes of the case.

    Raises:
        Refused, CannotRun: the look-up could not run (`--offline` does without).
    """
    from reporting.cli.service_look import look_up

    look_up(record, [s for s in services if s.watch.method != "manual"])


def _checked(options: argparse.Namespace, record: Record) -> Case:
    """The case, before anything is looked up: it must be one that waits for this."""
    known = known_of(record, options.case)
    case = case_of(known, options.case)
    if bool(options.attest) != bool(options.attested_by):
        raise Refused("--attest FILE and --attested-by NAME go together: a document, and who answers for it")
    if options.action == "report":
        permit(known, asked_of(options, record))
    else:
        check_services(known, case, "report")
        if case.state not in ("paid", "not_renewed", "renewed"):
            state = known.states.states[case.state].en
            raise Refused(f"{case.id} is {state}: there is nothing to prove before it is paid")
        if options.attest and case.last("report") is None:
            raise Refused(f"{case.id} is not reported yet: attest with laman renewal report {case.id} --attest …")
    return case


def _report(options: argparse.Namespace, record: Record) -> int:
    asked = asked_of(options, record)
    with renewal_lock(record):
        known = known_of(record, options.case)
        permitted = permit(known, asked)
        documents = _documents(options, record)
        proofs, made = _proofs(options, record, known, permitted.case)
        files = (*asked.files, *documents)
        whole = replace(permitted, asked=replace(asked, proofs=proofs, files=files))
        execution = write_step(record, known, whole, More(made))
    return _said(options, record, permitted.case.id, execution)


def _prove(options: argparse.Namespace, record: Record) -> int:
    """A later look: its proof goes to the report's execution as evidence, whose verdict stays as it was."""
    with renewal_lock(record):
        known = known_of(record, options.case)
        case = case_of(known, options.case)
        proofs, made = _proofs(options, record, known, case)
        documents = _documents(options, record)
        step = case.last("report")
        if step is None or step.execution is None:
            append(record, proof_drafts(known, case.id, proofs, ()))
        else:
            _append_to(record, known, case, step.execution, [*documents, *made], proofs)
    return _said(options, record, case.id, None)


def _append_to(  # noqa: PLR0913, PLR0917
    record: Record,
    known: Known,
    case: Case,
    execution: str,
    files: Sequence[Attached | Made],
    proofs: Sequence[Proof],
) -> None:
    local = known.now.astimezone(known.unit.tz)
    slug = known.standard(local.date()).activity(7).slug
    name = f"{local:%Y%m%dT%H%M%S%f}-prove-{case.id}"
    target = record.archive.folder(slug, name, local)
    added = archived(record, target, files)
    try:
        drafts = [evidence_draft(known, case.id, execution, added)] if added else []
        append(record, [*drafts, *proof_drafts(known, case.id, proofs, added)])
    except BaseException:
        forget(record, target)
        raise


def _documents(options: argparse.Namespace, record: Record) -> list[Attached]:
    papers = printed(record)
    return [attached(Path(name), RENEWED, papers) for name in options.attest or []]


def _proofs(
    options: argparse.Namespace, record: Record, known: Known, case: Case
) -> tuple[tuple[Proof, ...], list[Made]]:
    """What is known of each line now, and the looks as files."""
    seen = known.looks
    lang = known.unit.language
    since = Since(_paid_at(case), known.now, known.unit.tz, lang)
    proofs = [prove(line, seen.get(line.service), since) for line in case.lines]
    made = [m for p in proofs if (m := _look_file(p, seen)) is not None]
    if options.attest:
        who = named_officer(record.inventory, options.attested_by, today(record.inventory), "--attested-by")
        proofs = [p if p.renewed else _attested(p, who, options, lang) for p in proofs]
    return tuple(proofs), made


def _attested(proof: Proof, who: Person, options: argparse.Namespace, lang: str) -> Proof:
    note = harmless(options.note.strip() or Path(options.attest[0]).name, 300)
    reason = say("en" if lang == "en" else "id", "attested", name=who.name, note=note)
    return replace(proof, state="attested", reason=reason, attested_by=who)


def _paid_at(case: Case) -> datetime:
    step = case.last("pay")
    return step.done_at if step is not None else case.invoice_received


def _look_file(proof: Proof, seen: Mapping[str, ExpiryObserved]) -> Made | None:
    """The look that proves a line, as a file; what proves nothing is no output."""
    if proof.state != "moved":
        return None
    content = json.dumps(seen[proof.service].json_value(), indent=2, ensure_ascii=False, sort_keys=True)
    return Made(RENEWED, f"{proof.service}.json", content.encode() + b"\n", proof.service)


def _said(options: argparse.Namespace, record: Record, case_id: str, execution: str | None) -> int:
    known = known_of(record, case_id)
    case = known.cases[case_id]
    found = judged(record, case, execution) if execution else None
    if options.json:
        print(json.dumps(case_json(known, case, [found] if found else []), indent=2, ensure_ascii=False))
    else:
        print_step(record, known, case, found)
        for proof in case.proofs:
            print(f"  {proof.service}: {proof.state}, {harmless(proof.reason)}")
    if found is None:
        return EXIT_OK if case.state == "renewed" else EXIT_DEVIATIONS
    return EXIT_DEVIATIONS if found.verdict.status == "menyimpang" else EXIT_OK


__all__ = ["Asked", "Lookup", "add_arguments", "look_again", "run"]
