"""Action `settings_check`: are the variables of these roles usable for this site? Nothing is reached, nothing done.

Argument `roles`: names of roles. Each variable is resolved as the role would have it (defaults, inventory, vault), held
against the role's argument specification, and then against what the engine that takes it accepts. Returns
`settings_problems`, one line each: the variable and what is expected; and
`settings_hints`, which are no failures. Values of secret variables are in none of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from reporting.hosts.settings import ENGINES, HINTS
from reporting.text import harmless

_ROLES = Path(__file__).resolve().parents[2] / "roles"


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible has no types
    """Adapter: role variables -> argument specification -> reporting.hosts.settings -> lines."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False
    _supports_diff = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `settings_problems`."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(
            argument_spec={"roles": {"type": "list", "elements": "str", "required": True}}
        )
        variables: dict[str, Any] = dict(task_vars or {})
        specs: dict[str, dict[str, Any]] = {}
        for role in given["roles"]:
            defaults = self._loader.load_from_file(
                str(_ROLES / role / "defaults" / "main.yml"), trusted_as_template=True
            )
            variables = {**defaults, **variables}
            spec = self._loader.load_from_file(str(_ROLES / role / "meta" / "argument_specs.yml"))
            specs[role] = spec["argument_specs"]["main"]["options"]
        self._templar.available_variables = variables
        values: dict[str, Any] = {}
        problems: list[str] = []
        broken: set[str] = set()
        for role, options in specs.items():
            problems += _unknown(role, options, variables)
            wrong = list(self._resolve(options, variables, values))
            problems += wrong
            broken |= {role} if wrong else set()
        site = str(variables["inventory_hostname"])
        if "site_access" not in broken:  # the others ask how the site is entered
            problems += [line for role in specs if role not in broken for line in ENGINES[role](site, values)]
        hints = [line for role in specs if role in HINTS and role not in broken for line in HINTS[role](site, values)]
        told = {"settings_problems": problems, "settings_hints": hints}
        cleaned = {key: [harmless(line, 500) for line in lines] for key, lines in told.items()}
        return {**result, "changed": False, **cleaned}

    def _resolve(self, options: dict[str, Any], variables: dict[str, Any], values: dict[str, Any]) -> Iterator[str]:
        """Fill `values` with the variables of one role as the role gets them; yields what is wrong with one."""
        for name, option in options.items():
            try:
                value = self._templar.template(variables[name])
            except AnsibleError as error:
                yield f"{name}: cannot be resolved: {error}"
                continue
            checked = ArgumentSpecValidator({name: option}).validate({name: value})
            if checked.error_messages:
                yield _expected(name, option, checked.error_messages)
            values[name] = checked.validated_parameters.get(name)


def _expected(name: str, option: dict[str, Any], said: list[str]) -> str:
    if option.get("no_log"):  # ansible's own words would show the value
        kind = f"{option['type']} of {option['elements']}" if "elements" in option else option["type"]
        return f"{name}: a {kind} is expected"
    return f"{name}: {said[0]}"


def _unknown(role: str, options: dict[str, Any], variables: dict[str, Any]) -> Iterator[str]:
    """A mistyped name would be no error to Ansible: the default would be taken, silently."""
    for name in variables:
        if name.startswith(f"{role}_") and name not in options:
            near = difflib.get_close_matches(name, options, n=1)
            yield f"{name}: role {role} has no such variable" + (f"; did you mean {near[0]}?" if near else "")
