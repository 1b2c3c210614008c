"""What a diagnosis is asked to look at: the role's variables, checked."""

from __future__ import annotations

import ipaddress
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from reporting.backup_set.request import DatabaseRequest

Positive = Annotated[float, Field(gt=0)]
ServiceName = Annotated[str, StringConstraints(pattern=r"^(nginx|apache|php-fpm|database)$")]


class DiagnosisError(ValueError):
    """Role variables that cannot be used; one line naming the variable and what is expected."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Model):
    """Times in seconds, and from where on something is a problem."""

    connect_timeout: Positive = 5
    http_timeout: Positive = 15
    start_timeout: Positive = 15  # until the host's shell answers
    inside_timeout: Positive = 25  # for everything inside
    slow_seconds: Positive = 10
    certificate_days: Annotated[int, Field(ge=0)] = 14
    disk_percent: Annotated[int, Field(ge=1, le=100)] = 98
    disk_free_mb: Annotated[int, Field(ge=0)] = 64
    memory_percent: Annotated[int, Field(ge=0, le=100)] = 3
    load_per_cpu: Positive = 8
    clock_seconds: Positive = 60
    log_minutes: Positive = 15


class DiagnosisRequest(_Model):
    """One site: its address, how it is entered, and where its things are."""

    site: str
    url: str
    method: Literal["ssh", "local", "cpanel_api"]
    trees: list[str] = []
    paths: list[str] = []  # more folders whose file systems matter
    databases: list[DatabaseRequest] = []
    error_logs: list[str] = []
    certificate_files: list[str] = []
    services: list[ServiceName] = []
    addresses: list[str] = []  # where the name has to lead
    nameservers: list[str] = []  # address, or address:port; none: the system's resolver
    ca_file: str = ""
    limits: Limits = Limits()

    @field_validator("url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError(f"{url!r}: an address like https://www.example.go.id/ is expected, without a user")
        if not url.isascii() or any(c.isspace() or ord(c) < 32 for c in url):
            raise ValueError(f"{url!r}: spaces and letters other than ASCII have to be encoded (%20, xn--…)")
        _ = parts.port  # raises ValueError for what is no port
        return url

    @field_validator("trees", "paths", "certificate_files")
    @classmethod
    def _absolute(cls, paths: list[str]) -> list[str]:
        for path in paths:
            if not PurePosixPath(path).is_absolute() or "\0" in path or "\n" in path:
                raise ValueError(f"{path!r} must be an absolute path")
        return paths

    @field_validator("error_logs")
    @classmethod
    def _absolute_or_home(cls, paths: list[str]) -> list[str]:
        for path in paths:
            if not path.startswith(("/", "~/")) or "\0" in path or "\n" in path:
                raise ValueError(f"{path!r}: expected an absolute path or one that begins with ~/")
        return paths

    @field_validator("addresses")
    @classmethod
    def _addresses(cls, addresses: list[str]) -> list[str]:
        return [str(ipaddress.ip_address(address)) for address in addresses]

    @field_validator("nameservers")
    @classmethod
    def _nameservers(cls, servers: list[str]) -> list[str]:
        for server in servers:
            split_nameserver(server)
        return servers

    @property
    def host(self) -> str:
        """The site's host name (or address), lower case."""
        return (urlsplit(self.url).hostname or "").rstrip(".")

    @property
    def secure(self) -> bool:
        """Whether the site is served over TLS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def port(self) -> int:
        """The TCP port of the site."""
        return urlsplit(self.url).port or (443 if self.secure else 80)

    @property
    def secrets(self) -> list[str]:
        """Values that must not appear in anything that is written."""
        return [database.password for database in self.databases if database.kind == "mariadb" and database.password]


def split_nameserver(server: str) -> tuple[str, int]:
    """Address and port of a name server (`10.0.0.1`, `10.0.0.1:5353`, `[::1]:53`)."""
    text, port = server, "53"
    if server.startswith("["):
        text, _, rest = server[1:].partition("]")
        port = rest.removeprefix(":") or "53"
    elif server.count(":") == 1:
        text, _, port = server.partition(":")
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise ValueError(f"{server!r}: expected an address, or address:port")
    return str(ipaddress.ip_address(text)), int(port)


def read_request(raw: dict[str, Any]) -> DiagnosisRequest:
    """Check the role's variables.

    Raises:
        DiagnosisError: one line naming the variable.
    """
    try:
        return DiagnosisRequest.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        names = [str(piece) for piece in first["loc"] if piece not in ("mariadb", "postgresql", "sqlite", "limits")]
        message = first["msg"].removeprefix("Value error, ")
        raise DiagnosisError(f"site_diagnosis_{'.'.join(names)}: {message}") from None  # the cause would show values


__all__ = ["DiagnosisError", "DiagnosisRequest", "Limits", "read_request", "split_nameserver"]
