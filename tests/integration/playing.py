"""Runs a playbook as `laman run` does, through ansible-runner, and gives back each host's result document."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Played:
    """What came of a run: return code, screen, the document of each host, and the folder of ansible-runner."""

    rc: int
    screen: str
    folder: Path
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """The only host's document."""
        assert len(self.documents) == 1, self.screen
        return next(iter(self.documents.values()))

    def requirement(self, name: str) -> dict[str, Any]:
        return next(item for item in self.document["requirements"] if item["name"] == name)


def play(
    folder: Path,
    inventory: Path,
    *,
    limit: str = "all",
    check: bool = False,
    path: str = "",
    environment: dict[str, str] | None = None,
    **variables: Any,
) -> Played:
    """Run playbooks/backup.yml. `variables` become extra variables; `path` is put before PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    documents: dict[str, dict[str, Any]] = {}

    def collect(event: dict[str, Any]) -> bool:
        data = event.get("event_data", {})
        result = data.get("res") or {}
        if event["event"] == "runner_on_ok" and "laman_result" in result:
            documents[data["host"]] = result["laman_result"]
        return True

    search = [path, str(Path(sys.executable).parent), os.environ["PATH"]]
    run = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=str(ROOT / "playbooks/backup.yml"),
        inventory=str(inventory),
        extravars=variables,
        limit=limit,
        quiet=True,
        cmdline="--check" if check else None,
        envvars={
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "PATH": ":".join(word for word in search if word),
            "PYTHONPATH": str(ROOT),
            **(environment or {}),
        },
        event_handler=collect,
    )
    return Played(int(run.rc), run.stdout.read(), folder, documents)
