"""A workflow of GitHub's without GitHub: which jobs an event starts, and their steps, one after another, as its runner runs them."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_NAME = re.compile(r"'[^']*'|\b(?:github|vars|secrets)(?:\.\w+)+")
_ELSEWHERE = {"actions/checkout", "actions/setup-python", "pulumi/actions"}
"""What makes the machine ready for a job: the checkout, Python and Pulumi, which are here."""
GH = """#!/bin/bash
set -eu
cd "$GH_FOLDER"
case "$1 $2" in
  "pr comment") cp -- "$OLDPWD/${@: -1}" "comment-$3.md" ;;
  "api repos/"*) cat "heads/$(basename "$(dirname "$2")")" 2>/dev/null || true ;;
  "run list") while [ "$1" != --commit ]; do shift; done; cat "runs/$2" 2>/dev/null || true ;;
  "run download") cp -r "artifacts/${3:-$(ls -t artifacts | head -n 1)}/." "$OLDPWD/${@: -1}" ;;
  *) exit 1 ;;
esac
"""
"""GitHub's command, as far as the workflow uses it. Without a run `download` takes the newest artifact, as the real one does."""


@dataclass(kw_only=True)
class Job:
    """What a job has shown, and whether one of its steps failed."""

    succeeded: bool = True
    shown: str = ""


@dataclass
class Workflow:
    """A workflow of a repository, with its variables and secrets, and what GitHub keeps of its runs."""

    file: Path
    folder: Path
    """The checkout in which jobs run."""
    github: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.document: dict[Any, Any] = yaml.safe_load(self.file.read_text())
        for name in ("bin", "heads", "runs", "artifacts"):
            (self.github / name).mkdir(parents=True)
        program = self.github / "bin/gh"
        program.write_text(GH)
        program.chmod(0o755)

    def merged(self, commit: str, head: str) -> None:
        """Lets a commit be what a pull request with this head was merged to."""
        (self.github / "heads" / commit).write_text(head)

    def run(
        self, event: Mapping[str, Any], environment: Mapping[str, str], run: str = "1"
    ) -> dict[str, Job]:
        """Runs the jobs that an event starts: the `github` context is `event`; by their names."""
        triggers = self.document[True]  # YAML takes `on` for it
        assert event["event_name"] in triggers
        known = {"github": event, "vars": self.variables, "secrets": self.secrets}
        jobs = {
            name: self._run(job, known, environment, run)
            for name, job in self.document["jobs"].items()
            if _holds(job.get("if", "always()"), known, self.folder)
        }
        if (
            jobs
            and all(job.succeeded for job in jobs.values())
            and "pull_request" in event["event"]
        ):
            head = event["event"]["pull_request"]["head"]["sha"]
            (self.github / "runs" / head).write_text(run)
        return jobs

    def _run(
        self, job: dict[str, Any], known: Mapping[str, Any], outer: Mapping[str, str], run: str
    ) -> Job:
        done = Job()
        of_github = {
            f"GITHUB_{name.upper()}": value
            for name, value in known["github"].items()
            if isinstance(value, str)
        }
        for step in job["steps"]:
            condition = step.get("if", "")
            if not (done.succeeded or "always()" in condition):
                continue
            if condition and not _holds(condition, known, self.folder):
                continue
            given = {**self.document.get("env", {}), **job.get("env", {}), **step.get("env", {})}
            environment = {
                **outer,
                **of_github,
                "GH_FOLDER": str(self.github),
                "PATH": f"{self.github / 'bin'}:{outer['PATH']}",
                **{name: _filled(value, known) for name, value in given.items()},
            }
            if "run" in step:
                self._script(_filled(step["run"], known), environment, done)
            elif (used := step["uses"].partition("@")[0]) == "actions/upload-artifact":
                kept = self.github / "artifacts" / run
                kept.mkdir(parents=True)
                shutil.copy2(self.folder / step["with"]["path"], kept)
            else:
                assert used in _ELSEWHERE
        return done

    def _script(self, text: str, environment: Mapping[str, str], done: Job) -> None:
        script = self.github / "step.sh"
        script.write_text(text)
        result = subprocess.run(
            ["bash", "-e", str(script)],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        done.shown += f"$ {text}\n{result.stdout}"
        done.succeeded = done.succeeded and result.returncode == 0


def _holds(condition: str, known: Mapping[str, Any], folder: Path) -> bool:
    """Evaluates an expression of GitHub's, of the kinds that the workflow has."""
    python = _NAME.sub(lambda it: it[0] if it[0][0] == "'" else f"of({it[0]!r})", condition)
    python = python.replace("&&", " and ").replace("||", " or ")
    functions = {
        "of": lambda name: _of(name, known),
        "always": lambda: True,
        "hashFiles": lambda name: "digest" if (folder / name).exists() else "",
    }
    return bool(eval(python, functions))


def _of(name: str, known: Mapping[str, Any]) -> Any:
    value: Any = known
    for part in name.split("."):
        value = value.get(part, "")
    return value


def _filled(text: str, known: Mapping[str, Any]) -> str:
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda it: str(_of(it[1], known)), text)
