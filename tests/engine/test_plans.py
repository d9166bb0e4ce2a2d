"""A saved plan is what is done then, and none of what Pulumi prints of it is a secret."""

import json
from pathlib import Path
from typing import Any

from sandbox.world import World
from tests.engine.test_secrets import secrets_in


def rotate(config: dict[str, Any]) -> None:
    config["argoweb:tunnel"]["secretVersion"] = 2


def try_longer(config: dict[str, Any]) -> None:
    config["argoweb:servers"]["web1"]["dialAttempts"] = 9


def secrets(world: World) -> set[str]:
    """The tunnel's secret in both of its forms, and the SSH key's lines but its first and last one."""
    exported = json.loads(world.pulumi("stack", "export", "--show-secrets").stdout)
    key = Path(world.status["ssh"]["private_key_file"]).read_text().splitlines()[1:-1]
    return {*secrets_in(exported).values(), *key}


def test_a_planned_rotation_is_done_and_a_violated_plan_shows_no_secret(deployed: World) -> None:
    shown: list[str] = []

    def pulumi(*words: str, check: bool = True) -> str:
        result = deployed.pulumi(*words, check=check)
        assert (result.returncode == 0) == check, result.stdout + result.stderr
        shown.append(result.stdout + result.stderr)
        return shown[-1]

    hidden = secrets(deployed)
    with deployed.changed(rotate):
        pulumi("preview", "--diff", "--save-plan", "rotation")
        pulumi("up", "--yes", "--diff", "--skip-preview", "--plan", "rotation")
        assert deployed.planned() == {}
        hidden |= secrets(deployed)

        pulumi("preview", "--json", "--save-plan", "stale")
    # Set back, the stack has another secret than planned.
    assert "violates plan" in pulumi(
        "up", "--yes", "--plan", "stale", "--skip-preview", check=False
    )

    with deployed.changed(try_longer):
        pulumi("preview", "--save-plan", "key")
        other = deployed.root / "other-key"
        deployed.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other))
        deployed.run("sh", "-c", f"pulumi config set --secret argoweb:sshPrivateKey <{other}")
        hidden |= {*other.read_text().splitlines()[1:-1]}
        assert "violates plan" in pulumi(
            "up", "--yes", "--plan", "key", "--skip-preview", check=False
        )

    plans = [(deployed.root / name).read_text() for name in ("rotation", "stale", "key")]
    for secret in hidden:
        assert not [text for text in (*shown, *plans) if secret in text]
