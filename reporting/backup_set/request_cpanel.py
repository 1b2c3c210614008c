"""What a backup through cPanel's HTTPS port is asked to take. The role's variables, checked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from reporting.backup_set.request import RequestError

# cPanel prefixes names with the account's; whatever else it allows, it becomes part of a URL and of a file name
DatabaseName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_$-]{1,64}$")]


class CpanelBackupRequest(BaseModel):
    """Everything that one set of a cPanel account shall hold.

    `home`: `stream`, the download of the home directory; `full`, a full backup that cPanel makes in it first (it needs
    room there for all of it); `none`. `wait_minutes`: how long a full backup may take; `poll_seconds`: between looks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str
    execution: str
    home: Literal["stream", "full", "none"] = "stream"
    databases: list[DatabaseName] | Literal["all"] = "all"
    wait_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 120.0
    poll_seconds: Annotated[float, Field(gt=0, le=600)] = 15.0

    @model_validator(mode="after")
    def _something(self) -> CpanelBackupRequest:
        if self.home == "none" and self.databases == []:
            raise ValueError("nothing to back up: home is none, and no database is named")
        return self


def read_cpanel_request(raw: dict[str, Any]) -> CpanelBackupRequest:
    """Check the role's variables.

    Raises:
        RequestError: one line naming the variable.
    """
    try:
        return CpanelBackupRequest.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        where = "_".join(str(piece) for piece in first["loc"] if not str(piece).startswith(("list[", "literal[")))
        name = f"site_backup_cpanel_{where}" if where else "site_backup_cpanel_home, site_backup_cpanel_databases"
        raise RequestError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None


__all__ = ["CpanelBackupRequest", "read_cpanel_request"]
