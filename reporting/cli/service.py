"""The services register: connection, hosting, domains, certificates, and when each ends.

  laman service list                      what there is, when it ends, what it costs
  laman service show ID                   all about one, with the days on which reminders begin
  laman service check [ID …]              read the real ends now (RDAP, WHOIS, TLS) and record what was seen
  laman service template FILE.xlsx        a form to fill in, with what is known already
  laman service import FILE.xlsx          take a filled form; nothing is taken unless every row is good
  laman service remove ID                 take out a service that was imported

exit codes of check: 0 every end is known and nothing is due, 2 an end is unknown or something is due, 1 could not run.

example:
  laman -i inventory/kantor service check
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reporting.cli.common import Refused, command_line, inventory_of, local, opened, this_agent
from reporting.cli.main import EXIT_CANNOT, EXIT_DEVIATIONS, EXIT_OK, Parser
from reporting.cli.service_view import Line, lines_of, service_json, show_lines
from reporting.cli.tables import table
from reporting.events import KIND_SERVICE, Agent, ServiceRegistered
from reporting.ledger import Draft
from reporting.money import written
from reporting.register import KINDS, SETTINGS, Register, fold
from reporting.runner.model import Record
from reporting.service import Service
from reporting.text import harmless


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    for name, said in _ACTIONS.items():
        action = actions.add_parser(name, help=said[1], description=said[1])
        action.add_argument("-i", "--inventory", metavar="DIR", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        if name in ("list", "show", "check"):
            action.add_argument("--json", action="store_true", help="print it as JSON")
        if name == "list":
            action.add_argument("--all", action="store_true", help="also those that were taken out")
        elif name == "check":
            action.add_argument("service", nargs="*", metavar="ID", help="only these (default: all)")
        elif name in ("show", "remove"):
            action.add_argument("service", metavar="ID", help="the service's id")
        else:
            action.add_argument("file", metavar="FILE.xlsx", type=Path, help="the form")


def run(options: argparse.Namespace) -> int:
    """Do one of the actions; returns the exit code."""
    with opened(inventory_of(options)) as record:
        return int(_ACTIONS[options.action][0](options, record))


def register_of(record: Record) -> Register:
    """The register as the record has it now."""
    return fold(record.ledger.events(KINDS))


def _list(options: argparse.Namespace, record: Record) -> int:
    register = register_of(record)
    lines = lines_of(register, _chosen(register, every=options.all), record)
    if options.json:
        print(json.dumps([service_json(line) for line in lines], indent=2, ensure_ascii=False))
    elif not lines:
        print("No service is registered: put them into laman_unit.services, or: laman service template FILE.xlsx")
    else:
        _print_table(lines)
    return EXIT_OK


def _chosen(register: Register, *, every: bool) -> list[Service]:
    return [e.service for e in register.entries.values() if every or e.removed_at is None]


def _print_table(lines: Sequence[Line]) -> None:
    rows = [
        [line.service.id, line.service.kind, line.end.ends or "?", line.left_shown, line.state_shown,
         written(line.service.cost), line.note]
        for line in lines
    ]  # fmt: skip
    print(table(["service", "kind", "ends", "days", "state", "cost", "note"], rows))


def _show(options: argparse.Namespace, record: Record) -> int:
    register = register_of(record)
    line = lines_of(register, [_known(register, options.service, current=False)], record)[0]
    if options.json:
        print(json.dumps(service_json(line), indent=2, ensure_ascii=False))
    else:
        print("\n".join(show_lines(line, record)))
    return EXIT_OK


def _known(register: Register, wanted: str, *, current: bool = True) -> Service:
    entry = register.find(wanted)
    if entry is None or (current and entry.removed_at is not None):
        known = ", ".join(service.id for service in register.current) or "none"
        raise Refused(f"unknown service {harmless(wanted, 80)!r}; the register has: {known}")
    return entry.service


def _check(options: argparse.Namespace, record: Record) -> int:
    from reporting.cli.service_look import look_up

    register = register_of(record)
    services = [_known(register, name) for name in dict.fromkeys(options.service)] or register.current
    if not services:
        raise Refused(
            "no service is registered: put them into laman_unit.services, or: laman service template FILE.xlsx"
        )
    print(f"looking {len(services)} service(s) up …", file=sys.stderr, flush=True)
    look_up(record, services)
    lines = lines_of(register_of(record), services, record)
    if options.json:
        print(json.dumps([service_json(line) for line in lines], indent=2, ensure_ascii=False))
    else:
        _print_table(lines)
        unknown, due = sum(line.end.state == "unknown" for line in lines), sum(line.due is not None for line in lines)
        more = f"; see: {command_line(record.inventory, 'due')}" if unknown or due else ""
        print(f"\n{len(lines)} looked up, {unknown} unknown, {due} due{more}")
    return EXIT_DEVIATIONS if any(line.end.state == "unknown" or line.due for line in lines) else EXIT_OK


def _template(options: argparse.Namespace, record: Record) -> int:
    from reporting.files import write_whole
    from reporting.workbook.service_form import form_bytes

    _excel_name(options.file)
    services = register_of(record).current
    try:
        write_whole(options.file, form_bytes(services))
    except FileExistsError:
        raise Refused(f"{options.file} exists already: name a new file") from None
    print(
        f"{options.file}: a form with {len(services)} service(s); fill it in, then: laman service import {options.file}"
    )
    return EXIT_OK


def _excel_name(path: Path) -> None:
    if path.suffix.lower() != ".xlsx":
        raise Refused(f"{path}: a file name that ends in .xlsx is expected")


def _import(options: argparse.Namespace, record: Record) -> int:
    from reporting.workbook.service_form import FormError, read_form, with_what_the_form_lacks

    _excel_name(options.file)
    try:
        services = read_form(options.file, record.inventory.sites)
    except FormError as error:
        for line in error.lines:
            print(f"laman: {line}", file=sys.stderr)
        print(f"laman: nothing was imported ({len(error.lines)} to put right)", file=sys.stderr)
        return EXIT_CANNOT
    register = register_of(record)
    changed = []
    for service in services:
        entry = register.find(service.id)
        whole = with_what_the_form_lacks(service, entry.service) if entry else service
        if entry is None or entry.removed_at is not None or entry.service != whole:
            changed.append(whole)
    _register(record, changed, options.file.name)
    new = sum(register.find(service.id) is None for service in changed)
    print(f"{new} new, {len(changed) - new} changed, {len(services) - len(changed)} as they were")
    _tell_of_settings(register, changed)
    if changed:
        print(f"next: {command_line(record.inventory, 'service', 'check')}")
    return EXIT_OK


def _tell_of_settings(register: Register, changed: Sequence[Service]) -> None:
    both = [
        s.id for s in changed if (entry := register.find(s.id)) and entry.source == SETTINGS and not entry.removed_at
    ]
    if both:
        print(f"note: {', '.join(both)}: also in laman_unit.services; the import counts until it is changed there")


def _register(record: Record, services: Sequence[Service], source: str) -> None:
    agent = this_agent()
    record.ledger.append([_draft(agent, s.id, s, f"import {harmless(source, 250)}") for s in services])


def _draft(agent: Agent, service: str, content: Service | None, source: str) -> Draft:
    told = ServiceRegistered(service=content, agent=agent, source=source)
    return Draft(KIND_SERVICE, service, f"{agent.kind}:{agent.name}", told.json_value())


def _remove(options: argparse.Namespace, record: Record) -> int:
    register = register_of(record)
    service = _known(register, options.service)
    if any(listed.id == service.id for listed in record.inventory.unit.services):
        raise Refused(f"{service.id} is in laman_unit.services: take it out there")
    record.ledger.append([_draft(this_agent(), service.id, None, "laman service remove")])
    print(f"{service.id} is taken out; cases that name it keep it ({local(record.clock(), record.inventory)})")
    return EXIT_OK


_ACTIONS: dict[str, tuple[Any, str]] = {
    "list": (_list, "what there is, when it ends, what it costs"),
    "show": (_show, "all about one service, with the days on which reminders begin"),
    "check": (_check, "read the real ends now and record what was seen"),
    "template": (_template, "a form to fill in, with what is known already"),
    "import": (_import, "take a filled form; nothing is taken unless every row is good"),
    "remove": (_remove, "take out a service that was imported"),
}

__all__ = ["add_arguments", "register_of", "run"]
