"""Each fault that the command line can tell of a server, made on the sandbox's: the line that names it, by its code."""

import json
import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.engine.test_commands import argoweb, secrets, status, told
from tests.engine.world import World

pytestmark = pytest.mark.long

DEPLOY = "/var/lib/argoweb-deploy"
PROFILE = "/nix/var/nix/profiles/system"
CADDYS = "/etc/caddy/argoWeb.caddy"
UNIT = "/etc/systemd/system/argoWeb.service"
DROP_INS = "/run/systemd/system/argoWeb.service.d"
ADMIN = "http://localhost:2019"

DRIFT = {
    "a file is gone": (f"mv {CADDYS} /root/kept", f"mv /root/kept {CADDYS}", {"file-missing", "caddy-runs-another"}),
    "a file has another mode": ("chmod 666 /etc/caddy/argoWeb.json", "chmod 644 /etc/caddy/argoWeb.json", {"file-access"}),
    "a file has another owner": ("chown caddy /etc/caddy/argoWeb.nix", "chown root /etc/caddy/argoWeb.nix", {"file-access"}),
    "a file was edited": (
        f"cp -a {CADDYS} /root/kept && echo '# mine' >> {CADDYS}", f"mv /root/kept {CADDYS}", {"file-edited"},
    ),
    "a site was edited, and Caddy not reloaded": (
        f"cp -a {CADDYS} /root/kept && sed -i s/3000/3999/ {CADDYS}", f"mv /root/kept {CADDYS}",
        {"file-edited", "caddy-runs-another"},
    ),
    "the credentials were edited": (
        "cd /var/lib/argoWeb && cp -a *.json /root/kept && sed -i s/TunnelSecret/x/ *.json",
        "mv /root/kept /var/lib/argoWeb/*.json", {"file-edited"},
    ),
    "a cloudflared is stopped": ("systemctl stop argoWeb-2", "systemctl start argoWeb-2", {"unit-stopped"}),
    "Caddy is stopped": ("systemctl stop caddy", "systemctl start caddy", {"unit-stopped"}),
    "Caddy was given another configuration": (
        f"curl -sf {ADMIN}/config/ | sed s/3000/3999/ | curl -sf -H 'Content-Type: application/json' -d @- {ADMIN}/load",
        "systemctl reload caddy", {"caddy-runs-another"},
    ),
    "cloudflared was given another command": (
        f"mkdir -p {DROP_INS} && sed 's/app[.]example/other.example/' /etc/caddy/argoWeb.yml >/etc/other.yml && "
        f"{{ echo '[Service]'; echo ExecStart=; sed -n '/^ExecStart=/s:/etc/caddy/argoWeb.yml:/etc/other.yml:p' {UNIT}; }} >{DROP_INS}/x.conf && "
        "systemctl daemon-reload && systemctl restart argoWeb",
        f"rm -r {DROP_INS} /etc/other.yml; systemctl daemon-reload; systemctl restart argoWeb", {"cloudflared-runs-another"},
    ),
    "the system was switched back": (
        f"{PROFILE}-1-link/bin/switch-to-configuration test", f"{PROFILE}/bin/switch-to-configuration test",
        {"system-switched", "unit-stopped", "file-access"},  # a user of the module's is gone too
    ),
    "an older generation is the boot default": (
        f"ln -sfn system-1-link {PROFILE}", f"ln -sfn system-2-link {PROFILE}", {"boot-default"},
    ),
    "another stack has it": (
        f"cp {DEPLOY}/owner /root/kept && echo 'other/prod/web1 root@192.0.2.1:22 00000000' > {DEPLOY}/owner",
        f"mv /root/kept {DEPLOY}/owner", {"server-of-another"},
    ),
    "another deployment is live than the state has": (
        f"cp {DEPLOY}/manifest /root/kept && sed -i 's/^health-timeout 60/health-timeout 61/' {DEPLOY}/manifest",
        f"mv /root/kept {DEPLOY}/manifest", {"deployment-differs"},
    ),
    "no deployment is live": (
        f"mv {DEPLOY}/manifest /root/kept; mv {DEPLOY}/owner /root/owner",
        f"mv /root/kept {DEPLOY}/manifest; mv /root/owner {DEPLOY}/owner", {"server-undeployed"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", DRIFT)
def test_what_differs_on_a_server_is_named_and_no_secret_shown(deployed: World, fault: str) -> None:
    cause, undo, codes = DRIFT[fault]
    hidden = secrets(deployed)
    deployed.ssh(cause)
    try:
        found = argoweb(deployed, "drift", "--json")
    finally:
        deployed.ssh(undo)

    assert found.returncode == 1, found.stdout + found.stderr
    assert {line["code"] for line in told(found)["lines"]} == codes
    assert [secret for secret in hidden if secret in found.stdout + found.stderr] == []


def test_a_deployment_at_work_is_told_and_is_no_difference(deployed: World) -> None:
    deployed.ssh(f"mkdir {DEPLOY}/transaction")
    try:
        found = argoweb(deployed, "drift", "--json")
    finally:
        deployed.ssh(f"rmdir {DEPLOY}/transaction")

    assert found.returncode == 2
    assert [line["code"] for line in told(found)["lines"]] == ["server-at-work"]


def test_an_application_that_is_down_is_named_at_the_edge_and_on_the_server(
    deployed: World,
) -> None:
    deployed.ssh("systemctl stop app status")
    try:
        found = status(deployed, "--json")
    finally:
        deployed.ssh("systemctl start app status")

    assert found.returncode == 1
    assert {(line["code"], line["place"]) for line in told(found)["lines"]} == {
        ("edge-error", "app.example.localhost"),
        ("edge-error", "status.example-two.localhost"),
        ("origin-error", "web1"),
    }


def test_a_tunnel_without_connections_is_named_at_each_place(deployed: World) -> None:
    deployed.control("/weather", {"gone": True})
    try:
        deployed.wait_for(lambda: deployed.get("www.example.localhost")[0] == 530)
        found = status(deployed, "--json")
    finally:
        deployed.control("/weather", method="DELETE")
        deployed.wait_for(lambda: deployed.get("www.example.localhost")[0] == 200)

    codes = {line["code"] for line in told(found)["lines"]}
    assert codes == {"tunnel-down", "cloudflared-unconnected", "edge-error"}
    assert "error code 1033; it is the tunnel" in found.stdout


@pytest.fixture
def moved(deployed: World) -> Iterator[World]:
    """The example with a server whose pinned host key is another one."""
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
    with deployed.changed(lambda config: config["argoweb:servers"]["web1"].update(hostKey=other)):
        yield deployed


def test_a_server_that_shows_another_host_key_is_not_believed(moved: World) -> None:
    text, found = argoweb(moved, "drift"), status(moved, "--json")

    assert (text.returncode, found.returncode) == (2, 2)
    assert "shows another host key than the stack has" in text.stdout
    assert "correct argoweb:servers.<name>.hostKey" in text.stdout
    assert [line["code"] for line in told(found)["lines"]] == ["server-host-key"]


def test_a_stack_that_cannot_be_read_ends_with_2_and_says_why(deployed: World) -> None:
    unknown = argoweb(deployed, "drift", "--stack", "nobody")
    with deployed.changed(lambda config: config.update({"argoweb:zones": []})):
        broken = argoweb(deployed, "drift")
    locked = deployed.run(
        "env", "-u", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_CONFIG_PASSPHRASE=wrong",
        ".venv/bin/python", "-m", "argoweb", "drift", check=False,
    )  # fmt: skip

    assert (unknown.returncode, broken.returncode, locked.returncode) == (2, 2, 2)
    assert "no stack named 'nobody' found" in unknown.stderr
    assert "argoweb:zones" in broken.stderr
    assert "incorrect passphrase" in locked.stderr
    assert "Traceback" not in unknown.stderr + broken.stderr + locked.stderr


def test_watch_looks_again_until_it_is_interrupted(deployed: World) -> None:
    main, side = pty.openpty()
    words = [
        ".venv/bin/python",
        "-m",
        "argoweb",
        "status",
        "--watch",
        "1",
        "--edge",
        deployed.status["edge_url"],
    ]
    with subprocess.Popen(
        words,
        cwd=deployed.root,
        env={**deployed.environment(), "TERM": "xterm"},
        stdin=side,
        stdout=side,
        stderr=side,
    ) as process:
        os.close(side)
        text, deadline = b"", time.monotonic() + 60
        while text.count(b"All is well") < 2 and time.monotonic() < deadline:
            if select.select([main], [], [], 1)[0]:
                text += os.read(main, 65536)
        process.send_signal(2)
        assert process.wait(timeout=30) == 0
    assert text.count(b"All is well") >= 2


def test_lines_for_programs_come_one_a_look(deployed: World) -> None:
    words = [
        ".venv/bin/python",
        "-m",
        "argoweb",
        "status",
        "--watch",
        "1",
        "--json",
        "--edge",
        deployed.status["edge_url"],
    ]
    with subprocess.Popen(
        words, cwd=deployed.root, env=deployed.environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        looks = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.terminate()
    assert [look[0]["exit"] for look in looks] == [0, 0]


def talk(world: World, *words: str, says: bytes, until: bytes, end: bytes) -> tuple[bytes, int]:
    """What a command prints in a terminal: `says` is typed at its beginning, `end` once `until` was seen; its exit code."""
    main, side = pty.openpty()
    surroundings = {**world.environment(), "TERM": "xterm"}
    command = [".venv/bin/python", "-m", "argoweb", *words]
    with subprocess.Popen(
        command, cwd=world.root, env=surroundings, stdin=side, stdout=side, stderr=side
    ) as process:
        os.close(side)
        os.write(main, says)
        text, deadline = b"", time.monotonic() + 60
        while until not in text and time.monotonic() < deadline:
            if select.select([main], [], [], 1)[0]:
                text += os.read(main, 65536)
        os.write(main, end)
        return text, process.wait(timeout=30)


def test_a_shell_on_the_server_is_this_terminals(deployed: World) -> None:
    asked = b"tty; echo $((6 * 7)) at $(hostname)\n"

    text, code = talk(deployed, "ssh", "web1", says=asked, until=b"42 at web1", end=b"exit 5\n")

    assert b"42 at web1" in text
    assert b"/dev/pts/" in text
    assert code == 5


def test_a_followed_journal_goes_on_until_interrupted_and_leaves_nothing_behind(
    deployed: World,
) -> None:
    words = [".venv/bin/python", "-m", "argoweb", "logs", "web1", "--follow"]
    with subprocess.Popen(
        words, cwd=deployed.root, env=deployed.environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        deployed.ssh("systemctl restart argoWeb-2")
        assert any("argoWeb-2" in process.stdout.readline() for _ in range(200))
        process.send_signal(2)
        process.wait(timeout=30)

    deployed.wait_for(lambda: "--follow" not in deployed.ssh("ps ax"), 20)
