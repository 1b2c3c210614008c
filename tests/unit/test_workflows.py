"""The workflows, ours and the one that laman writes: what GitHub would refuse, and what would be unsafe."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from reporting.schedule.workflow import WorkflowSpec, workflow
from tests.integration.agency import PROJECT

OURS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
MADE = workflow(
    WorkflowSpec(unit="uji", name="Uji", laman=Path("/opt/laman"), inventory=Path("/srv/i"), state=Path("/srv/s")),
    ["0 17 * * *", "17 */3 * * *"],
)
TEXTS = {**{path.name: path.read_text(encoding="utf-8") for path in OURS}, "made by laman": MADE}
# The keys that GitHub knows (docs.github.com, "Workflow syntax"); another one makes it refuse the file.
TOP = {"name", "run-name", True, "permissions", "env", "defaults", "concurrency", "jobs"}
JOB = {"name", "needs", "runs-on", "permissions", "env", "defaults", "strategy", "timeout-minutes", "if", "steps",
       "concurrency", "outputs", "environment", "services", "container", "continue-on-error"}  # fmt: skip
STEP = {"id", "if", "name", "uses", "run", "shell", "with", "env", "working-directory", "timeout-minutes",
        "continue-on-error"}  # fmt: skip
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40}$")
CRON_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


class _Strict(yaml.SafeLoader):
    """A loader that takes no key twice: GitHub does not either."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    assert len(keys) == len(set(keys)), f"a key twice: {keys}"
    return dict(loader.construct_pairs(node, deep=True))


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read(name: str) -> dict[Any, Any]:
    return dict(yaml.load(TEXTS[name], Loader=_Strict))


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in read(name)["jobs"].values() for step in job["steps"]]


def test_there_is_one_that_tests() -> None:
    assert [path.name for path in OURS] == ["test.yml"]


@pytest.mark.parametrize("name", TEXTS)
def test_github_knows_every_key(name: str) -> None:
    told = read(name)
    assert set(told) <= TOP
    for key, job in told["jobs"].items():
        assert re.fullmatch(r"[A-Za-z_][\w-]*", key)
        assert set(job) <= JOB
        assert {"runs-on", "steps", "timeout-minutes"} <= set(job)
        for step in job["steps"]:
            assert set(step) <= STEP
            assert ("run" in step) != ("uses" in step)


@pytest.mark.parametrize("name", TEXTS)
def test_it_may_read_and_no_more_and_runs_nothing_that_an_outsider_wrote(name: str) -> None:
    told = read(name)
    assert told["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in told["jobs"].values())
    assert "pull_request_target" not in told[True]
    assert "workflow_run" not in told[True]
    for step in steps(name):
        assert "${{" not in step.get("run", ""), "an expression in a script is how a title becomes a command"
        if "uses" in step:
            assert PINNED.match(step["uses"]), f"{step['uses']}: pinned by its commit"
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
    assert not set(re.findall(r"\$\{\{\s*([\w.-]+)", TEXTS[name])) - {"github.ref", "secrets.LAMAN_SECRET_SMTP"}


@pytest.mark.parametrize("name", TEXTS)
def test_only_one_at_a_time_and_its_hours_are_hours(name: str) -> None:
    told = read(name)
    assert told["concurrency"]["group"]
    for entry in told[True].get("schedule", []):
        fields = entry["cron"].split()
        assert len(fields) == 5
        for text, (low, high) in zip(fields, CRON_FIELDS, strict=True):
            assert text == "*" or all(low <= int(n) <= high for n in re.findall(r"\d+", text))


def test_the_hosted_runner_runs_what_a_user_runs() -> None:
    (job,) = read("test.yml")["jobs"].values()
    assert re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"]), "hosted, and a release that does not change by itself"
    (last,) = [step["run"] for step in job["steps"] if "run" in step]
    assert last.endswith(".ci/run")
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.rstrip().endswith("exec make test")
    assert "export CI=true" in script
