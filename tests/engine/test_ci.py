"""What a team's machine does: a preview as a comment, an update by the plan that was read, a look at what differs."""

import json
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.engine.test_plans import secrets
from tests.engine.world import ROOT, World

SCRIPT = "ci/argoweb.sh"
WORKFLOW = ROOT / "ci" / "github.yml"


def answers(status: int) -> Callable[[dict[str, Any]], None]:
    """One site more, which answers so."""

    def change(config: dict[str, Any]) -> None:
        site = {"hostname": "tea.example.localhost", "service": f"http_status:{status}"}
        config["argoweb:sites"] = [*config["argoweb:sites"], site]

    return change


def test_what_was_read_is_done_and_anything_else_is_not(deployed: World) -> None:
    shown: list[str] = []

    def ci(*words: str, check: bool = True) -> str:
        result = deployed.run(SCRIPT, *words, check=check)
        assert (result.returncode == 0) == check, result.stdout + result.stderr
        shown.append(result.stdout + result.stderr)
        return shown[-1]

    assert "There is no plan in plan" in ci("up", "plan", check=False)
    assert "ci/argoweb.sh preview FOLDER" in ci("preview", check=False)
    with deployed.changed(answers(503)):
        ci("preview", "plan")
    with deployed.changed(answers(418)):
        assert "violates plan" in ci("up", "plan", check=False)
        ci("preview", "plan")
        comment = (deployed.root / "plan/comment.md").read_text()
        assert comment.startswith("## sandbox\n\n~~~~~diff\n")
        assert "tea.example.localhost" in comment
        ci("up", "plan")
        assert deployed.planned() == {}
        assert deployed.get("tea.example.localhost")[0] == 418
        assert "Nothing differs from the stack" in ci("drift")
    deployed.doubt()

    plan = (deployed.root / "plan/plan.json").read_text()
    assert json.loads(plan)["resourcePlans"]
    for secret in secrets(deployed):
        assert not [text for text in (*shown, plan, comment) if secret in text]


def test_the_workflow_passes_actionlint() -> None:
    program = shutil.which("actionlint")
    if program is None:
        pytest.skip("wants the program actionlint, so this was NOT CHECKED: ci/github.yml")
    found = subprocess.run([program, str(WORKFLOW)], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def test_the_workflow_runs_the_script_and_nothing_beside_it() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]

    assert {run for run in runs if "argoweb" in run.split()[0]} == {
        f"{SCRIPT} preview plan",
        f"{SCRIPT} up plan",
        f"{SCRIPT} drift",
    }
    assert not [run for run in runs if run.startswith(("pulumi up", "pulumi preview"))]
    assert jobs["up"]["concurrency"]["cancel-in-progress"] is False
