"""What a team's machine does: a preview as a comment, an update by the plan that was read, a look at what differs."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.world import ROOT, World
from tests.engine.test_plans import secrets
from tests.engine.workflow import Job, Workflow

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


class Team:
    """The workflow in the repository of a team that has its stack in the sandbox; nothing of the sandbox's own shell is left."""

    def __init__(self, world: World, folder: Path) -> None:
        file = folder / "argoweb.yml"
        file.write_text(WORKFLOW.read_text().replace("mysite", "sandbox"))
        given = world.variables
        passphrase = Path(given.pop("PULUMI_CONFIG_PASSPHRASE_FILE")).read_text().strip()
        self.workflow = Workflow(
            file,
            world.root,
            folder / "github",
            variables={"PULUMI_BACKEND_URL": given.pop("PULUMI_BACKEND_URL"), "AWS_REGION": "x"},
            secrets={"PULUMI_CONFIG_PASSPHRASE": passphrase},
        )
        self.stack = given.pop("PULUMI_STACK")
        self.environment = world.environment()

    def on(self, name: str, commit: str = "", **event: Any) -> dict[str, Job]:
        """The jobs of an event."""
        github = {
            "event_name": name,
            "repository": "team/site",
            "workflow": "argoweb",
            "actor": "ann",
            "sha": commit,
            "event": event,
        }
        return self.workflow.run(github, self.environment, run=commit)

    def proposed(self, head: str, repository: str = "team/site") -> dict[str, Job]:
        """The jobs of a pull request."""
        request = {"number": 7, "head": {"sha": head, "repo": {"full_name": repository}}}
        return self.on("pull_request", head, pull_request=request)

    def merged(self, commit: str, head: str) -> Job:
        """The job of its merge."""
        self.workflow.merged(commit, head)
        (job,) = self.on("push", commit).values()
        return job

    def comment(self) -> str:
        """What the pull request was told."""
        return (self.workflow.github / "comment-7.md").read_text()


@pytest.mark.long
def test_the_workflow_shows_a_pull_request_does_what_was_shown_and_looks_each_day(
    fresh: World, tmp_path: Path
) -> None:
    fresh.own_environment()
    fresh.up()
    hidden = secrets(fresh)
    team = Team(fresh, tmp_path)

    # What was shown in the pull request is done after the merge.
    fresh.edit(answers(418))
    jobs = team.proposed("head-1")
    assert [*jobs] == ["preview"]
    assert jobs["preview"].succeeded, jobs["preview"].shown
    assert team.comment().startswith("## sandbox\n\n~~~~~diff\n")
    assert "tea.example.localhost" in team.comment()
    assert fresh.get("tea.example.localhost")[0] == 404
    done = team.merged("merge-1", "head-1")
    assert done.succeeded, done.shown
    assert fresh.get("tea.example.localhost")[0] == 418

    # A preview that fails says why where people read, and has no plan.
    fresh.edit(lambda config: config["argoweb:sites"][-1].update(rot="/srv"))
    failed = team.proposed("head-2")["preview"]
    assert not failed.succeeded
    assert re.search(r"sites\[\d\]\.rot: unknown key", team.comment())
    refused = team.merged("merge-2", "head-2")
    assert not refused.succeeded
    assert "No pull request has shown what this commit would change" in refused.shown
    fresh.edit(lambda config: config["argoweb:sites"][-1].pop("rot"))

    # A fork's pull request and Dependabot's have no secrets: nothing runs. Merged, it is done by hand, never by another's plan.
    fresh.edit(lambda config: config["argoweb:sites"][-1].update(service="http_status:503"))
    assert team.proposed("head-3", "stranger/site") == {}
    assert "No pull request has shown" in team.merged("merge-3", "head-3").shown
    assert "No pull request has shown" in team.merged("pushed", "").shown
    assert fresh.get("tea.example.localhost")[0] == 418
    by_hand = team.on("workflow_dispatch", "merge-3")["up"]
    assert by_hand.succeeded, by_hand.shown
    assert fresh.get("tea.example.localhost")[0] == 503

    # A plan that was made before something else changed is not done.
    fresh.edit(lambda config: config["argoweb:sites"][-1].update(service="http_status:418"))
    assert team.proposed("head-4")["preview"].succeeded
    fresh.edit(lambda config: config["argoweb:sites"][-1].update(service="http_status:404"))
    stale = team.merged("merge-4", "head-4")
    assert not stale.succeeded
    assert "violates plan" in stale.shown
    assert fresh.get("tea.example.localhost")[0] == 503
    assert team.on("workflow_dispatch", "merge-4")["up"].succeeded

    # Each morning it is looked for what somebody has changed by hand.
    same = team.on("schedule")["drift"]
    assert same.succeeded, same.shown
    assert "Nothing differs from the stack" in same.shown
    fresh.ssh("systemctl stop argoWeb")
    differs = team.on("schedule")["drift"]
    assert not differs.succeeded
    assert "argoWeb" in differs.shown

    kept = [file.read_text() for file in team.workflow.github.rglob("*") if file.is_file()]
    shown = [each.shown for each in (done, failed, refused, by_hand, stale, same, differs)]
    for secret in {*hidden, *team.workflow.secrets.values()}:
        assert not [text for text in (*kept, *shown) if secret in text]


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
