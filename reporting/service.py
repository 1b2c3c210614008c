"""Services that a site lives by and that end: connection, hosting, domain, certificate. As data; ground floor."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

ServiceKind = Literal["connection", "hosting", "domain", "tls", "other"]
WatchMethod = Literal["rdap", "whois", "tls", "cpanel", "manual"]
REMINDER_DAYS = (90, 60, 30, 15, 7, 1)
Text = Annotated[str, StringConstraints(max_length=500)]
ServiceId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
# NPWP: 15 digits (old), 16 (NIK-based, since 2024), 22 (with the branch number, NITKU)
Npwp = Annotated[str, StringConstraints(pattern=r"^(\d{15}|\d{16}|\d{22})$")]
Rupiah = Annotated[int, Field(ge=0, le=999_999_999_999)]  # whole rupiah


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Provider(_Settings):
    """Who sells the service and is paid."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    npwp: Npwp | None = None
    address: Text = ""
    bank: Text = ""
    bank_account: Annotated[str, StringConstraints(pattern=r"^[0-9 .-]{0,40}$")] = ""
    bank_account_holder: Text = ""


class Watch(_Settings):
    """How the end of a service is read. `name`: the domain (rdap, whois) or the host name (tls, cpanel).

    These texts travel to Ansible as extra variables, which it trusts as templates: braces are refused here.
    """

    method: WatchMethod = "manual"
    name: Annotated[str, StringConstraints(pattern=r"^[^\s/\\{}%#@'\"<>|;`$]{0,253}$")] = ""
    # rdap: overrides the bootstrap registry
    base_url: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s{}%#'\"<>`]{1,490})?$")] = ""
    server: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:\[\]-]{0,260}$")] = ""  # whois: host[:port]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None  # tls (default 443), whois (default 43)
    ca_file: Annotated[str, StringConstraints(pattern=r"^[^{}%\x00-\x1f]{0,500}$")] = ""  # CAs to trust (rdap, tls)

    @model_validator(mode="after")
    def _named(self) -> Watch:
        if self.method != "manual" and not self.name:
            raise ValueError(f"method {self.method} needs name: the domain or host whose end is read")
        return self


class AfterEnd(_Settings):
    """What this provider grants after the end, where it differs from the life cycle shipped as data. Days; percent."""

    renewal_days: Annotated[int, Field(ge=0, le=3650)] | None = None  # renewal goes on at the normal price
    redemption_days: Annotated[int, Field(ge=0, le=3650)] | None = None  # dark; can be restored
    redemption_percent: Annotated[int, Field(ge=0, le=10_000)] | None = None  # of the normal price
    pending_delete_days: Annotated[int, Field(ge=0, le=3650)] | None = None  # nothing can be done any more


class Service(_Settings):
    """One line of the services register (`laman_unit.services`, or imported from a workbook)."""

    id: ServiceId
    kind: ServiceKind
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    provider: Provider
    account: Text = ""  # customer or contract number
    cost: Rupiah  # of one period, before tax
    period_months: Annotated[int, Field(ge=1, le=120)] = 12
    budget_line: Text = ""  # mata anggaran (MAK)
    owner: Text = ""  # who answers for it: an officer's id or a section
    starts: date | None = None
    ends: date | None = None  # known end; the only source when `watch.method` is manual
    watch: Watch = Watch()
    reminder_days: list[Annotated[int, Field(ge=0, le=3650)]] = list(REMINDER_DAYS)
    after_end: AfterEnd | None = None  # None: the life cycle of the kind and of the domain's ending
    sites: list[str] = []

    @model_validator(mode="after")
    def _in_order(self) -> Service:
        if self.starts and self.ends and self.ends < self.starts:
            raise ValueError(f"service {self.id}: ends {self.ends} is before starts {self.starts}")
        return self
