"""Action `laman_result`: the last step of every role of activities 1-3. Hands one result document to the record.

Argument `document`: the result document (reporting/contract.py) as a mapping; `site` defaults to the host's name.
Returns `laman_result`, the validated document. A document that does not keep the contract fails the task.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from reporting.contract import ContractError, dump, validate_document


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible has no types
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False
    _supports_diff = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(argument_spec={"document": {"type": "dict", "required": True}})
        document = {"site": (task_vars or {})["inventory_hostname"], **given["document"]}
        try:
            whole = validate_document(document)
        except ContractError as error:
            raise AnsibleActionFail(str(error)) from None  # one line; the cause would repeat it
        return {**result, "changed": False, "laman_result": dump(whole)}
