"""Two stacks with their own servers and tunnels."""

from pathlib import Path
from typing import Any

import yaml

from tests.engine.world import World


def test_two_stacks_do_not_disturb_each_other(fresh: World) -> None:
    fresh.stop()
    fresh.start(servers=2)
    first = yaml.safe_load(fresh.stack_file.read_text())
    servers = first["config"]["argoweb:servers"]
    second = yaml.safe_load(fresh.stack_file.read_text())
    first["config"]["argoweb:servers"] = {"web1": servers["web1"]}
    second["config"]["argoweb:servers"] = {"web2": servers["web2"]}
    second["config"]["argoweb:tunnel"] = {"name": "other"}
    second["config"]["argoweb:sites"] = [
        {"hostname": "other.example.localhost", "proxy": "127.0.0.1:3000"}
    ]
    fresh.stack_file.write_text(yaml.safe_dump(first))
    fresh.pulumi("stack", "init", "other")
    other_file = fresh.root / "Pulumi.other.yaml"
    salt = yaml.safe_load(other_file.read_text())["encryptionsalt"] if other_file.exists() else None
    key = {"config": second["config"]}
    key["config"].pop("argoweb:sshPrivateKey")
    other_file.write_text(yaml.safe_dump(key | ({"encryptionsalt": salt} if salt else {})))
    private_key = Path(fresh.status["ssh"]["private_key_file"]).read_text()
    fresh.pulumi(
        "config", "set", "--secret", "argoweb:sshPrivateKey", "--stack", "other", "--", private_key
    )

    fresh.up("--stack", "sandbox")
    fresh.up("--stack", "other")

    def tunnels() -> list[str]:
        dump: Any = fresh.control("/dump")
        return sorted(t["name"] for t in dump["tunnels"] if t["deleted_at"] is None)

    assert tunnels() == ["other", "sandbox"]
    assert fresh.get("other.example.localhost")[0] == 200
    assert fresh.get("app.example.localhost")[0] == 200
    fresh.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes", "--stack", "sandbox")
    fresh.pulumi("destroy", "--yes", "--skip-preview", "--stack", "other")
    assert tunnels() == ["sandbox"]
    assert fresh.get("other.example.localhost")[0] == 404
    assert fresh.get("app.example.localhost")[0] == 200
