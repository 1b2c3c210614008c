"""The agency's settings: identity, officers, calendar, schedule, sites, media.

They live in the inventory, once: `group_vars/all/unit.yml` is plain YAML with one key, `laman_unit`, that Ansible and
Python both read; `hosts.yml` lists the sites (group `sites`). A snapshot of what is in force goes into the ledger, so
that the record is judged by the settings of its day.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from reporting.service import Npwp, Service
from reporting.worktime import WEEKDAYS, CalendarSettings, Weekday

UNIT_FILE = Path("group_vars/all/unit.yml")
HOSTS_FILE = Path("hosts.yml")
_VARIABLE_ENDINGS = {"", ".yml", ".yaml", ".json"}  # what Ansible loads of group_vars and host_vars
_VAULTED = b"$ANSIBLE_VAULT"
_RESERVED = {"all", "ungrouped", "sites", "localhost"}  # Ansible means something else by these
_IDENTIFIER = r"^[a-z0-9][a-z0-9_.-]{0,62}$"
Identifier = Annotated[str, StringConstraints(pattern=_IDENTIFIER)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_ATOM, _LABEL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
Email = (
    Annotated[  # ASCII without comments, quotes or controls: nothing that could end a header or a command (RFC 5321)
        str, StringConstraints(max_length=254, pattern=rf"^{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+$")
    ]
)
Role = Literal["kasi_si", "kasubag_umum", "pengelola_laman", "pengelola_sistem_dan_jaringan"]


class SettingsError(Exception):
    """Settings that cannot be used; the message names the file, the key and what is expected."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Officer(_Settings):
    """A person who carries out, approves or pays; in office from `first` to `last`, both inclusive."""

    id: Identifier
    name: Name
    nip: Annotated[str, StringConstraints(pattern=r"^\d{18}$")] | None = None  # PPPK numbers have 18 digits too
    acting: Literal["Plt.", "Plh."] | None = None  # signs as acting (pelaksana tugas) or daily (pelaksana harian)
    title: Name  # as it is signed, e.g. "Plt. Kepala Seksi Sistem Informasi"
    roles: Annotated[list[Role], Field(min_length=1)]
    email: Email | None = None  # where `laman renewal inbox --send` goes
    first: date | None = None
    last: date | None = None

    def in_office(self, day: date) -> bool:
        """Whether the officer holds the office on that day."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


class Plan(_Settings):
    """One line of the schedule: an activity that is due again and again, and its window.

    The POS says "berkala" without a number: the interval is the unit's. A window opens at `start` (local time) on each
    day that `every` and `day` give, and stays open for `hours`.
    """

    activity: Annotated[int, Field(ge=1, le=3)]
    every: Literal["day", "workday", "week", "month"]
    day: Weekday | Annotated[int, Field(ge=1, le=28)] | None = None  # week: a weekday; month: a day of the month
    start: time = time(0, 0)
    hours: Annotated[int, Field(ge=1, le=31 * 24)] = 24
    sites: list[Identifier] | Literal["all"] = "all"

    @model_validator(mode="after")
    def _day_fits_every(self) -> Plan:
        if self.every == "week" and self.day not in WEEKDAYS:
            raise ValueError("every: week needs day: a weekday (monday … sunday)")
        if self.every == "month" and not isinstance(self.day, int):
            raise ValueError("every: month needs day: a day of the month (1 … 28)")
        if self.every in ("day", "workday") and self.day is not None:
            raise ValueError(f"every: {self.every} takes no day:")
        longest = {"day": 24, "workday": 24, "week": 7 * 24, "month": 28 * 24}[self.every]
        if self.hours > longest:
            raise ValueError(f"every: {self.every} with hours: {self.hours} would overlap itself (at most {longest})")
        return self


class Medium(_Settings):
    """A backup medium: a mounted disk, a disc or a share, known by its label file and filesystem UUID."""

    id: Identifier
    kind: Literal["hard_disk", "optical_disc", "other"] = "hard_disk"
    path: str  # the mount point; relative paths are relative to the inventory folder
    uuid: str | None = None
    label: str | None = None
    declared_folder: bool = False  # openly declares that a plain folder stands in for a mounted medium
    off_site: bool = False  # kept away from the site's own building
    keep: Keep | None = None  # retention on this medium, where it differs from backup.keep


class Keep(_Settings):
    """Retention: of how many days, weeks, months, years that have sets the newest set stays. 0: none by that rule."""

    daily: Annotated[int, Field(ge=0, le=10_000)] = 7
    weekly: Annotated[int, Field(ge=0, le=10_000)] = 5
    monthly: Annotated[int, Field(ge=0, le=10_000)] = 12
    yearly: Annotated[int, Field(ge=0, le=10_000)] = 5


AgeRecipient = Annotated[  # an age public key, or an SSH one without its comment
    str, StringConstraints(pattern=r"^(age1[02-9ac-hj-np-z]{58}|ssh-(ed25519|rsa) [A-Za-z0-9+/=]{40,800})$")
]


class Backups(_Settings):
    """What becomes of backup sets: which medium's turn it is, how long they stay, how many copies there must be.

    3-2-1: `copies` of the data (the site itself is one), on `media_kinds` kinds of media, `off_site` of them elsewhere.
    """

    rotation: list[Identifier] = []  # media ids that take turns; empty: the first of `media`
    turn: Literal["day", "week", "month"] = "week"  # how long a turn lasts
    keep: Keep = Keep()
    sweep_days: Annotated[int, Field(ge=1, le=3650)] = 30  # unfinished, incomplete, damaged sets stay that long
    copies: Annotated[int, Field(ge=1, le=20)] = 3
    media_kinds: Annotated[int, Field(ge=1, le=3)] = 2
    off_site: Annotated[int, Field(ge=0, le=20)] = 1
    fresh_days: Annotated[int, Field(ge=1, le=3650)] = 35  # an older set counts as no copy any more
    verify_days: Annotated[int, Field(ge=1, le=3650)] = 35  # a medium's newest set is read back that often
    drill_days: Annotated[int, Field(ge=1, le=3650)] = 31  # a site's restore is proven that often
    par2_percent: Annotated[float, Field(ge=1, le=100)] = 5.0  # recovery data on discs
    disc_recipients: list[AgeRecipient] = []  # discs are encrypted to these public keys; empty: they are not

    @model_validator(mode="after")
    def _turns(self) -> Backups:
        if len(set(self.rotation)) != len(self.rotation):
            raise ValueError("rotation names a medium twice")
        return self


class Review(_Settings):
    """Which activities count only once their executor has read the result (a run that nobody read is no monitoring)."""

    activities: list[Annotated[int, Field(ge=1, le=3)]] = [1, 3]


class TimeLimits(_Settings):
    """How long a run may go on before it is ended, in minutes, as a multiple of the POS minutes.

    Ten sites go at once and the others wait for their turn, so a run may take that long once for every ten sites.
    """

    factor: Annotated[float, Field(ge=1, le=10)] = 1.5


class Numbering(_Settings):
    """How papers are numbered. Placeholders: {seq} {kind} {unit} {month} {month_roman} {year}; `{seq:03d}` pads."""

    pattern: str = "{seq:03d}/{kind}/{unit}/{month_roman}/{year}"
    restart: Literal["year", "never"] = "year"


class Payment(_Settings):
    """What the payment desk prints: satker, budget year's source, taxes in percent, the two officers of the receipt."""

    satker: str = ""  # name of the satuan kerja
    satker_code: str = ""
    dipa_number: str = ""
    npwp: Npwp | None = None
    vat_percent: Annotated[float, Field(ge=0, le=100)] = 11.0  # PPN
    income_tax_percent: Annotated[float, Field(ge=0, le=100)] = 2.0  # PPh 23 on services
    ppk: Identifier | None = None  # officer id: Pejabat Pembuat Komitmen
    treasurer: Identifier | None = None  # officer id: Bendahara
    goods_receiver: Identifier | None = None  # officer id: pejabat penerima barang/jasa; None: a blank to sign
    vat_collected: bool = True  # the treasurer keeps PPN back and pays it to the state (pemungut PPN)


class Mail(_Settings):
    """The server that takes our e-mail. The password is in the environment only: LAMAN_SECRET_SMTP."""

    host: Annotated[
        str, StringConstraints(max_length=253, pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9.:-]*[A-Za-z0-9])?$|^::1$")
    ]
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None  # default: 587 starttls, 465 tls, 25 none
    security: Literal["starttls", "tls", "none"] = "starttls"  # none: only for a server on this very machine
    ca_file: str | None = None  # PEM of the server's authority, where the system does not know it
    user: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")] | None = None  # None: no login
    sender: Email
    timeout_seconds: Annotated[float, Field(ge=1, le=600)] = 30.0  # of each answer of the server

    @model_validator(mode="after")
    def _plain_stays_here(self) -> Mail:
        if self.security == "none" and not _is_loopback(self.host):
            raise ValueError("security: none is only for this machine (localhost, 127.0.0.1): use starttls or tls")
        return self

    @property
    def port_used(self) -> int:
        """The port, or the one that its kind of security has (RFC 8314)."""
        return self.port or {"starttls": 587, "tls": 465, "none": 25}[self.security]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


class Tickets(_Settings):
    """Activity 8: what opens a ticket by itself, and how soon somebody answers.

    A storm of findings opens `most_per_run` tickets a run and site at most; the rest is gathered, one ticket a kind.
    """

    open_from: Literal["info", "low", "medium", "high", "critical", "never"] = "high"  # severity of a finding
    most_per_run: Annotated[int, Field(ge=1, le=50)] = 5
    first_response_minutes: Annotated[int, Field(ge=1, le=900)] = 60  # working minutes from the report to `take`


class Accounts(_Settings):
    """How long an executor has to account for a deviation: working days after it became certain."""

    within_workdays: Annotated[int, Field(ge=1, le=60)] = 5


class Delivery(_Settings):
    """Where the workbook and the reminders go: officers (by id, or by role) by e-mail, and a folder or share."""

    report_to: list[Identifier] = []  # officer ids or roles
    digest_to: list[Identifier] = []
    folder: str | None = None  # relative to the inventory folder


class Unit(_Settings):
    """`laman_unit`: everything that the product knows about the agency."""

    id: Identifier
    name: Name
    parent: str = ""  # the ministry and directorate above, printed on papers
    city: str = ""
    address: str = ""
    language: Literal["id", "en"] = "id"
    state_dir: str = "../state"  # ledger, archive, locks; of this unit alone; relative to the inventory folder
    ledger: str | None = None  # a URL; default: ledger.sqlite in state_dir
    officers: Annotated[list[Officer], Field(min_length=1)]
    assignment: dict[int, Role] = {}  # POS activity -> role, where the unit differs from the default of the standard
    calendar: CalendarSettings = CalendarSettings()
    schedule: list[Plan] = []
    review: Review = Review()
    human_clock: Literal["from_input", "from_taken"] = "from_input"
    media: list[Medium] = []
    backup: Backups = Backups()
    services: list[Service] = []
    numbering: Numbering = Numbering()
    payment: Payment = Payment()
    mail: Mail | None = None
    tickets: Tickets = Tickets()
    accounts: Accounts = Accounts()
    delivery: Delivery = Delivery()
    time_limits: TimeLimits = TimeLimits()

    @model_validator(mode="after")
    def _consistent(self) -> Unit:
        for what, ids in (
            ("officers", [o.id for o in self.officers]),
            ("media", [m.id for m in self.media]),
            ("services", [s.id for s in self.services]),
        ):
            twice = sorted({i for i in ids if ids.count(i) > 1})
            if twice:
                raise ValueError(f"{what}: id {twice[0]!r} is used twice")
        known = [m.id for m in self.media]
        for wanted in self.backup.rotation:
            if wanted not in known:
                raise ValueError(f"backup.rotation: {wanted!r} is not in media; there is: {', '.join(known) or 'none'}")
        return self

    @property
    def tz(self) -> ZoneInfo:
        """The agency's time zone."""
        return self.calendar.tz

    def officer(self, wanted: str, day: date) -> Officer | None:
        """The officer with that id or name who is in office on that day."""
        folded = wanted.casefold().strip()
        return next(
            (o for o in self.officers if o.in_office(day) and folded in (o.id, o.name.casefold())),
            None,
        )

    def officer_for(self, role: str, day: date) -> Officer | None:
        """The first officer in the list who holds `role` on that day."""
        return next((o for o in self.officers if role in o.roles and o.in_office(day)), None)

    def officers_for(self, role: str, day: date) -> list[Officer]:
        """Everybody who holds `role` on that day."""
        return [o for o in self.officers if role in o.roles and o.in_office(day)]


class Snapshot(_Settings):
    """What the ledger keeps of the settings: the unit and its sites, as they were in force."""

    unit: Unit
    sites: list[Identifier]


class Inventory(_Settings):
    """An inventory folder that was read: where it is, the unit, its sites, the folder of its record."""

    folder: Path
    unit: Unit
    sites: list[str]

    @property
    def state_dir(self) -> Path:
        """The folder of ledger, archive and locks (absolute)."""
        return self.resolve(self.unit.state_dir)

    @property
    def hosts_file(self) -> Path:
        """What Ansible takes as inventory: this file, with the variables beside it.

        Not the folder: it may hold other things, the record and evidence from the sites among them.
        """
        return self.folder / HOSTS_FILE

    def snapshot(self, first_year: int, last_year: int) -> Snapshot:
        """The settings in force, as the ledger keeps them, with the public holidays of those years written out."""
        calendar = self.unit.calendar.frozen(first_year, last_year)
        return Snapshot(unit=self.unit.model_copy(update={"calendar": calendar}), sites=self.sites)

    def resolve(self, path: str) -> Path:
        """A path of the settings made absolute: `~` is the home folder, relative means below the inventory folder."""
        return (self.folder / Path(path).expanduser()).resolve()


def read_inventory(folder: Path) -> Inventory:
    """Read the settings of an inventory folder.

    Raises:
        SettingsError: a file is missing or broken, a key is wrong, a plan names an unknown site; one line each.
    """
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise SettingsError(f"{folder}: no such inventory folder (give one with -i, or make one with: laman init DIR)")
    unit_file = folder / UNIT_FILE
    content = _read_yaml(unit_file)
    if not isinstance(content, dict) or "laman_unit" not in content:
        raise SettingsError(f"{unit_file}: key laman_unit is missing (see inventory/example for a commented one)")
    try:
        unit = Unit.model_validate(content["laman_unit"])
    except ValidationError as error:
        raise SettingsError(f"{unit_file}: {_first_problem(error)}") from error
    sites = _sites(folder)
    _check_plans(unit, sites, unit_file)
    return Inventory(folder=folder, unit=unit, sites=sites)


def _check_plans(unit: Unit, sites: list[str], unit_file: Path) -> None:
    """Refuse a schedule that contradicts itself. Here and not in `Plan`: a snapshot on record must be read for ever."""
    for number, plan in enumerate(unit.schedule):
        problem = _plan_problem(plan, unit, sites) or _second_line(unit.schedule, number, sites)
        if problem:
            raise SettingsError(f"{unit_file}: laman_unit.schedule.{number}{problem}")


def _plan_problem(plan: Plan, unit: Unit, sites: list[str]) -> str | None:
    """What is wrong with a line of the schedule by itself."""
    named = sites if plan.sites == "all" else plan.sites
    unknown = next((site for site in named if site not in sites), None)
    if unknown is not None:
        return f".sites: unknown site {unknown!r}; hosts.yml has: {', '.join(sites) or 'none'}"
    twice = next((site for site in named if named.count(site) > 1), None)
    if twice is not None:
        return f".sites: {twice!r} is named twice"
    if not named:
        return ".sites: names no site: name some, or take all"
    if plan.every == "workday" and not unit.calendar.has_workdays:
        return ": every: workday never comes: laman_unit.calendar.week has no day with working hours"
    return None


def _second_line(schedule: list[Plan], number: int, sites: list[str]) -> str | None:
    """Two lines that open at the same instants for one activity and site: is one of them meant, or another site?"""
    plan = schedule[number]
    mine = set(sites if plan.sites == "all" else plan.sites)
    for earlier, other in enumerate(schedule[:number]):
        same = (plan.activity, plan.every, plan.day, plan.start) == (
            other.activity,
            other.every,
            other.day,
            other.start,
        )
        both = mine & set(sites if other.sites == "all" else other.sites)
        if same and both:
            hours = f", for {other.hours} h and for {plan.hours} h" if plan.hours != other.hours else ""
            return (
                f": plans activity {plan.activity} of {min(both)} again, as line {earlier} does{hours}: leave one out"
            )
    return None


_FORMS = {
    "nip": "18 digits in quotes, without spaces or dots (without a NIP: leave the key out)",
    "npwp": "15, 16 or 22 digits in quotes, without dots or dashes (without an NPWP: leave the key out)",
    "email": "an address like siti@kantor.go.id (without one: leave the key out)",
    "sender": "an address like laman@kantor.go.id",
}


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in ("laman_unit", *first["loc"]))
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    number = _FORMS.get(str(first["loc"][-1])) if first["loc"] else None
    if number is not None and first["type"].startswith("string_"):
        return f"{where}: {str(first['input'])[:40]!r} is none: {number}{more}"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}{more}"


class _Loader(yaml.SafeLoader):
    """Plain YAML, plus Ansible's tags read as opaque text: a vaulted value is nobody's business here."""


def _opaque(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_multi_constructor("!", _opaque)


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file (make a commented inventory with: laman init DIR)") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: something like a date that is none
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        said = " ".join(str(getattr(error, "problem", None) or error).split())
        raise SettingsError(f"{path}{line}: not valid YAML: {said}") from error


def check_variables(inventory: Inventory) -> None:
    """Read every file that gives Ansible variables, before anything is begun: a broken one is named with its place.

    Files encrypted as a whole are nobody's business here; Ansible opens them.

    Raises:
        SettingsError: a file is no YAML mapping; file, line and column are named.
    """
    for path in _variable_files(inventory.folder):
        if _is_vaulted(path):
            continue
        content = _read_yaml(path)
        if content is not None and not isinstance(content, dict):
            raise SettingsError(f"{path}: a mapping of variables is expected (name: value)")


def _variable_files(folder: Path) -> list[Path]:
    """What Ansible would load: no hidden file, no editor's copy, no other ending."""
    return sorted(
        path
        for base in (folder / "group_vars", folder / "host_vars")
        for path in base.rglob("*")
        if path.suffix in _VARIABLE_ENDINGS
        and not any(part.startswith(".") for part in path.relative_to(base).parts)
        and not path.name.endswith("~")
        and path.is_file()
    )


def _is_vaulted(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_VAULTED)) == _VAULTED
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror or error}") from error


def _sites(folder: Path) -> list[str]:
    hosts_file = folder / HOSTS_FILE
    groups = _Groups(hosts_file)
    groups.read(_mapping(_read_yaml(hosts_file), f"{hosts_file}: groups", "all: {children: {sites: {hosts: …}}}"))
    found = groups.below("sites")
    for site in found:
        if not re.fullmatch(_IDENTIFIER, site):
            raise SettingsError(
                f"{hosts_file}: site {site[:80]!r}: a name of small letters, digits, '-', '_' and '.' is expected"
            )
        if site in _RESERVED or site in groups.hosts:
            raise SettingsError(f"{hosts_file}: site {site!r}: that is the name of a group, or reserved; take another")
    if not found:
        raise SettingsError(f"{hosts_file}: group `sites` with at least one host is expected (one host per site)")
    return found


class _Groups:
    """The groups of a hosts.yml as Ansible reads them: a group may be named in several places, and adds up."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.hosts: dict[str, list[str]] = {}
        self.children: dict[str, list[str]] = {}

    def read(self, groups: dict[str, Any]) -> None:
        for name, group in groups.items():
            where = f"{self._file}: group {name[:80]!r}"
            content = _mapping(group, where, "hosts:, children: or vars: below it")
            hosts = _mapping(content.get("hosts"), f"{where}: hosts", "each name with a colon after it")
            for host, variables in hosts.items():
                _mapping(variables, f"{where}: host {host[:80]!r}", "its variables, or nothing")
            children = _mapping(content.get("children"), f"{where}: children", "each group with a colon after it")
            self.hosts.setdefault(name, []).extend(hosts)
            self.children.setdefault(name, []).extend(children)
            self.read(children)

    def below(self, name: str) -> list[str]:
        """The hosts of a group and of all groups below it, each once."""
        found: dict[str, None] = {}
        waiting, seen = [name], set()
        while waiting:
            group = waiting.pop(0)
            if group not in seen:
                seen.add(group)
                found |= dict.fromkeys(self.hosts.get(group, []))
                waiting += self.children.get(group, [])
        return list(found)


def _mapping(content: Any, where: str, expected: str) -> dict[str, Any]:
    """A YAML mapping with its keys as text; nothing at all is an empty one."""
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{where}: a mapping is expected ({expected}), not {type(content).__name__}")
    return {str(key): value for key, value in content.items()}
