"""Two stacks with their own servers and tunnels."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.world import World


@pytest.mark.long
def test_two_stacks_do_not_disturb_each_other(pair: World) -> None:
    first = yaml.safe_load(pair.stack_file.read_text())
    servers = first["config"]["argoweb:servers"]
    second = yaml.safe_load(pair.stack_file.read_text())
    first["config"]["argoweb:servers"] = {"web1": servers["web1"]}
    second["config"]["argoweb:servers"] = {"web2": servers["web2"]}
    second["config"]["argoweb:tunnel"] = {"name": "other"}
    second["config"]["argoweb:sites"] = [
        {"hostname": "other.example.localhost", "proxy": "127.0.0.1:3000"}
    ]
    pair.stack_file.write_text(yaml.safe_dump(first))
    pair.pulumi("stack", "init", "other")
    other_file = pair.root / "Pulumi.other.yaml"
    salt = yaml.safe_load(other_file.read_text())["encryptionsalt"] if other_file.exists() else None
    key = {"config": second["config"]}
    key["config"].pop("argoweb:sshPrivateKey")
    other_file.write_text(yaml.safe_dump(key | ({"encryptionsalt": salt} if salt else {})))
    private_key = Path(pair.status["ssh"]["private_key_file"]).read_text()
    pair.pulumi(
        "config", "set", "--secret", "argoweb:sshPrivateKey", "--stack", "other", "--", private_key
    )

    pair.up("--stack", "sandbox")
    pair.up("--stack", "other")

    def tunnels() -> list[str]:
        dump: Any = pair.control("/dump")
        return sorted(t["name"] for t in dump["tunnels"] if t["deleted_at"] is None)

    assert tunnels() == ["other", "sandbox"]
    assert pair.get("other.example.localhost")[0] == 200
    assert pair.get("app.example.localhost")[0] == 200
    pair.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes", "--stack", "sandbox")
    pair.pulumi("destroy", "--yes", "--skip-preview", "--stack", "other")
    assert tunnels() == ["sandbox"]
    assert pair.get("other.example.localhost")[0] == 404
    assert pair.get("app.example.localhost")[0] == 200
