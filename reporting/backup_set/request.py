"""What a backup is asked to take: trees, databases, limits. The role's variables, checked."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from reporting.backup_set.medium import MediumKind, MediumSpec

PartName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
# These would put a secret into an argument list, write on the host, or change what the dump is.
_NO_DUMP_OPTIONS = {"--password", "--user", "--result-file", "--tab", "--defaults-file", "--defaults-extra-file"}
_NO_DUMP_OPTIONS |= {
    "--no-defaults",
    "--all-databases",
    "--databases",
    "--xml",
    "--no-data",
    "--skip-comments",
    "--where",
}
_OPTION = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class RequestError(ValueError):
    """Role variables that cannot be used; one line naming the variable and what is expected."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _absolute(path: str) -> str:
    if not PurePosixPath(path).is_absolute() or "\0" in path or PurePosixPath(path) == PurePosixPath("/"):
        raise ValueError(f"{path!r} must be an absolute path below /")
    return path


class TreeRequest(_Model):
    """A folder of the site. Patterns of tar, relative to the folder itself, e.g. `wp-content/cache/*`.

    `exclude`: what is left out. `accept`: what may be missing because it cannot be read; it is reported, no problem.
    """

    name: PartName
    path: str
    exclude: list[str] = []
    accept: list[str] = []

    @model_validator(mode="after")
    def _usable(self) -> TreeRequest:
        _absolute(self.path)
        for pattern in (*self.exclude, *self.accept):
            if not pattern or pattern.startswith("/") or ".." in pattern.split("/") or set(pattern) & set("\n\0"):
                raise ValueError(
                    f"exclude or accept {pattern!r}: expected a pattern relative to the tree, without '..'"
                )
        return self


class MariadbRequest(_Model):
    """A MariaDB or MySQL database.

    The account: `user` and `password` (they travel on standard input), or `option_file`, a client option file that
    is on the host already, or neither (the account that the client takes by itself, as with unix_socket).
    """

    name: PartName
    kind: Literal["mariadb"]
    database: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    user: str | None = None
    password: str | None = None
    option_file: str | None = None
    host: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    socket: str | None = None
    client_options: dict[str, str | int | None] = {}
    dump_options: list[Annotated[str, StringConstraints(pattern=r"^--[a-z][a-z0-9-]*(=[A-Za-z0-9_.,:/-]*)?$")]] = []

    @model_validator(mode="after")
    def _usable(self) -> MariadbRequest:
        if set(self.database) & set("\n\0\\/"):
            raise ValueError(f"database {self.database!r} holds characters that no database name has")
        if self.option_file is not None:
            _absolute(self.option_file)
            if self.user is not None or self.password is not None or self.client_options or self.host or self.socket:
                raise ValueError("option_file stands alone: put user, password, host and options into that file")
        if self.password is not None and self.user is None:
            raise ValueError("password without user")
        for option in self.dump_options:
            if any(
                name.startswith(option.partition("=")[0]) for name in _NO_DUMP_OPTIONS
            ):  # clients take abbreviations
                raise ValueError(f"dump_options: {option.partition('=')[0]} cannot be given here")
        for key in self.client_options:
            if not _OPTION.fullmatch(key) or key in ("user", "password", "host", "port", "socket"):
                raise ValueError(f"client_options: {key!r} is no client option that can be given here")
        return self


class PostgresqlRequest(_Model):
    """A PostgreSQL database.

    The account: `user` and `password` (they travel on standard input), or none (the one that the system account is, as
    with peer). `socket`: the folder of the server's socket; it goes before `host`.
    """

    name: PartName
    kind: Literal["postgresql"]
    database: Annotated[str, StringConstraints(min_length=1, max_length=63)]
    user: str | None = None
    password: str | None = None
    host: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    socket: str | None = None

    @model_validator(mode="after")
    def _usable(self) -> PostgresqlRequest:
        for key in ("database", "user", "password", "host", "socket"):
            value = getattr(self, key)
            if value is not None and (set(value) & set("\n\r\0") or value != value.strip() or len(value) > 900):
                raise ValueError(f"{key} holds a line feed, blanks at an end, or more than 900 characters")
        if self.socket is not None:
            _absolute(self.socket)
        if self.password is not None and self.user is None:
            raise ValueError("password without user")
        return self


class SqliteRequest(_Model):
    """An SQLite database file."""

    name: PartName
    kind: Literal["sqlite"]
    path: str

    @model_validator(mode="after")
    def _usable(self) -> SqliteRequest:
        _absolute(self.path)
        return self


DatabaseRequest = Annotated[MariadbRequest | PostgresqlRequest | SqliteRequest, Field(discriminator="kind")]


class BackupRequest(_Model):
    """Everything that one set of a site shall hold."""

    site: str
    execution: str
    trees: list[TreeRequest] = []
    databases: list[DatabaseRequest] = []
    idle_timeout: Annotated[int, Field(ge=1)] = 900  # seconds without a byte until a stream is given up
    full_every: Annotated[int, Field(ge=1)] = 7  # every so many runs everything is read; 1: always
    recorded_sets: dict[str, str] = {}  # SHA-256 of SHA256SUMS by set: only from these are members taken over
    retries: Annotated[int, Field(ge=0, le=10)] = 1  # of a tree whose line broke; what came is not read twice
    bandwidth_kib: Annotated[int, Field(ge=0)] = 0  # KiB a second at most; 0: no limit
    environment: list[Literal["crontab", "web_server", "php", "dns", "tls", "cms"]] = []  # taken beside the site
    domains: list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")]] = []
    least_percent: Annotated[int, Field(ge=0, le=100)] = 50  # of the last set's size: less is a problem; 0: never
    as_it_is: bool = False  # an empty tree or database is no problem: what is there is kept, whatever it is
    pages_url: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s/]+(/\S*)?)?$")] = (
        ""  # pages are recorded from here
    )
    pages_ca_file: str = ""  # PEM of the site's authority, where the system does not know it

    @model_validator(mode="after")
    def _consistent(self) -> BackupRequest:
        names = [part.name for part in (*self.trees, *self.databases)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the name {twice[0]!r} is used twice: each tree and database needs its own")
        if self.environment and "lingkungan" in names:
            raise ValueError("the name 'lingkungan' is that of the site's environment: choose another")
        if {"dns", "tls"} & set(self.environment) and not self.domains:
            raise ValueError("environment dns and tls: give the site's names in site_backup_domains")
        if not names:
            raise ValueError("nothing to back up: give at least one tree or database")
        return self


class _Medium(_Model):
    id: str
    path: str
    kind: MediumKind = "hard_disk"
    uuid: str | None = None
    label: str | None = None
    declared_folder: bool = False
    off_site: bool = False  # this and keep are for status and retention: they stand in the same entry of the settings
    keep: dict[str, int] | None = None


def read_request(raw: dict[str, Any]) -> BackupRequest:
    """Check the role's variables.

    Raises:
        RequestError: one line naming the variable.
    """
    try:
        return BackupRequest.model_validate(raw)
    except ValidationError as error:
        raise RequestError(_line(error, "site_backup_")) from None  # the cause would show the values, secrets too


def read_medium(raw: dict[str, Any]) -> MediumSpec:
    """Check the description of a medium (an entry of laman_unit.media with an absolute path).

    Raises:
        RequestError: one line naming the key.
    """
    try:
        return MediumSpec(**_Medium.model_validate(raw).model_dump(exclude={"off_site", "keep"}))
    except ValidationError as error:
        raise RequestError(_line(error, "backup_media_medium.")) from None


def _line(error: ValidationError, prefix: str) -> str:
    first = error.errors(include_input=False, include_context=False)[0]
    kinds = ("mariadb", "postgresql", "sqlite")
    where = ".".join(str(piece) for piece in first["loc"] if piece not in kinds) or "trees, databases"
    return f"{prefix}{where}: {first['msg'].removeprefix('Value error, ')}"


__all__ = [
    "BackupRequest",
    "DatabaseRequest",
    "MariadbRequest",
    "PostgresqlRequest",
    "RequestError",
    "SqliteRequest",
    "TreeRequest",
    "read_medium",
    "read_request",
]
