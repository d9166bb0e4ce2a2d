"""Which teardown ends what is live, and what it takes with it: staging folders are known by the Pulumi id of theirs."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.remote.test_shell_programs import put, run
from tests.remote.test_work import LIVE, Server, credentials

OWNER = "project/stack/web1 root@192.0.2.1:22 0a1b2c3d"
TUNNEL = "6ff42ae2-765d-4adf-8112-31c55c1551ef"
SECRET = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I="


class Deployed(Server):
    """A server on which the owner's deployment is live; its teardown has the Pulumi id `first`."""

    owner = OWNER

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.staging = self.root / "staging"
        self.take(OWNER, "first")
        shutil.rmtree(self.staging / "web1")
        live = {**LIVE, "credentials": credentials(SECRET, TUNNEL)}
        self.path("credentials").write_text(live["credentials"])
        self.path("credentials").chmod(0o600)
        self.applied.write_text(self.manifest(live))
        (self.root / "owner").write_text(f"{OWNER}\n")

    def take(self, owner: str, teardown: str) -> None:
        """From here on resources of this owner send and work, with this teardown."""
        self.owner = owner
        program = self._program_of(owner)
        text = self.program.read_text()
        put(str(program), "0", teardown, stdin=text)
        self.program = program

    def _program_of(self, owner: str) -> Path:
        deployment, address, id = owner.split(" ")
        return self.staging / f"{deployment.replace('/', '-')}-{address}-{id}/server.sh"

    def keep(self, owner: str) -> None:
        """A teardown is made anew, or changed, for this owner."""
        run("keep.sh", str(self._program_of(owner).parent), stdin="owner\n").check_returncode()

    def release(self, teardown: str) -> None:
        """The resource of the server program is deleted, of which this was the teardown."""
        run("release.sh", str(self.staging), teardown, stdin="the program").check_returncode()

    def manifest(self, files: dict[str, str], *lines: str) -> str:
        first, rest = super().manifest(files, *lines).split("\n", 1)
        assert first.startswith("owner ")
        return f"owner {self.owner}\n{rest}"

    def teardown(self) -> str:
        """What it says."""
        said, code = self.work("deactivate", {})
        assert code == 0, said
        return said

    def secrets(self) -> list[str]:
        """The files that hold the tunnel's secret."""
        found = subprocess.run(
            ["grep", "-rlF", "-e", SECRET, str(self.folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        return found.stdout.splitlines()


@pytest.fixture
def server(tmp_path: Path) -> Deployed:
    return Deployed(tmp_path)


def test_the_teardown_of_a_deployment_that_ends_takes_all_of_it(server: Deployed) -> None:
    server.release("first")

    said = server.teardown()

    assert said.endswith("no secret of argoweb is left\n")
    calls = server.calls()
    assert "systemctl stop argoWeb.service" in calls
    assert "systemctl reload-or-restart caddy.service" in calls, "it had the sites"
    assert server.secrets() == []


def test_what_was_sent_and_never_live_leaves_no_secret_where_nobody_sees_the_teardown_end(
    server: Deployed,
) -> None:
    """What cleans up after a teardown runs in its connection, which may have broken."""
    server.applied.unlink()
    server.path("credentials").unlink()
    (server.program.parent / "credentials").write_text(credentials(SECRET, TUNNEL))
    server.release("first")

    assert "nothing of argoweb was live here" in server.teardown()
    assert server.secrets() == []


def test_a_teardown_that_is_replaced_leaves_the_server_alone(server: Deployed) -> None:
    server.take(OWNER, "second")

    assert server.teardown().endswith(
        "s] this server is in use by the stack, which has made its teardown again: left alone\n"
        "Where it was to end, Pulumi has forgotten what tells so: run pulumi up, then pulumi destroy.\n"
    )
    assert server.calls() == []
    assert server.program.exists()


def test_so_it_does_when_what_it_came_with_is_replaced_too(server: Deployed) -> None:
    server.take(OWNER, "second")
    server.release("first")

    assert "left alone" in server.teardown()
    assert server.calls() == []
    assert server.program.exists()


def test_a_teardown_that_was_replaced_ends_later_what_the_one_before_it_has_set_up(
    server: Deployed,
) -> None:
    server.take(OWNER, "second")
    server.teardown()
    server.release("second")

    assert "no secret of argoweb is left" in server.teardown()


@pytest.mark.parametrize(
    "owner",
    [
        "project/renamed/web1 root@192.0.2.1:22 0a1b2c3d",
        "project/stack/web1 root@192.0.2.1:22 99999999",
    ],
    ids=["renamed", "with another id"],
)
def test_what_was_sent_but_never_activated_ends_with_what_it_was_to_take_the_place_of(
    server: Deployed, owner: str
) -> None:
    server.take(owner, "first")
    server.release("first")

    assert "no secret of argoweb is left" in server.teardown()
    assert server.secrets() == []


def test_of_two_sets_that_were_made_of_one_server_the_end_of_one_is_not_that_of_the_other(
    server: Deployed,
) -> None:
    server.take("project/stack/web1 root@192.0.2.1:22 99999999", "second")
    mine = server.program.parent / "credentials"
    mine.write_text(credentials(SECRET, TUNNEL))
    server.release("second")

    assert "left alone" in server.teardown()
    assert server.calls() == []
    assert server.secrets() == [str(server.path("credentials"))]


@pytest.mark.parametrize(
    "place",
    [
        "deploy/staging/argoweb-old-web1-a-99999999/credentials",
        "deploy/runs/dead/files/x",
        "data/b",
    ],
)
def test_a_teardown_looks_for_credentials_of_its_tunnel_wherever_they_are(
    server: Deployed, place: str
) -> None:
    left = server.folder / place
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text(credentials(SECRET, TUNNEL))
    server.release("first")

    assert server.teardown().endswith("no secret of argoweb is left\n")
    assert server.secrets() == []


def test_a_teardown_names_the_credentials_of_another_deployment_and_leaves_them(
    server: Deployed,
) -> None:
    theirs = server.staging / "other-stack-web1-a-99999999/credentials"
    theirs.parent.mkdir()
    theirs.write_text(credentials(SECRET, "another"))
    server.release("first")

    said = server.teardown()

    assert f"no secret of argoweb is left; of other deployments there is {theirs}" in said
    assert server.secrets() == [str(theirs)]


@pytest.mark.parametrize(
    ("owner", "teardown"),
    [
        ("project/renamed/web1 root@192.0.2.1:22 0a1b2c3d", "first"),
        ("elsewhere/stack/web1 root@192.0.2.1:22 0a1b2c3d", "first"),
        ("project/stack/web1 root@192.0.2.1:22 99999999", "first"),
        ("project/stack/web1 root@192.0.2.1:22 99999999", "of a new state"),
    ],
    ids=["stack renamed", "project renamed", "id replaced", "state lost"],
)
def test_an_activation_takes_away_what_the_same_deployment_has_staged_before(
    server: Deployed, owner: str, teardown: str
) -> None:
    theirs = server.staging / "other-stack-web1-a-77777777/credentials"
    theirs.parent.mkdir()
    theirs.write_text("of another deployment\n")
    server.take(owner, teardown)

    said, code = server.work("activate", {**LIVE, "credentials": credentials(SECRET, TUNNEL)})

    assert code == 0, said
    assert sorted(server.staging.iterdir()) == sorted([server.program.parent, theirs.parent])
    assert theirs.exists()
    assert (server.root / "owner").read_text() == f"{owner}\n"
    assert ("is the same by its id" in said) == owner.endswith("0a1b2c3d")


def test_an_activation_of_another_deployment_is_refused_also_from_the_same_address(
    server: Deployed,
) -> None:
    server.take("project/other/web1 root@192.0.2.1:22 99999999", "other")

    said, code = server.work("activate", LIVE)

    assert code == 1
    assert f"belongs to the deployment '{OWNER}'" in said
    assert server.calls() == []


def test_a_file_that_leaves_the_stack_leaves_the_staging_folder_too(server: Deployed) -> None:
    more = {"more.yml": "text\n"}
    said, code = server.work("activate", {**LIVE, **more})
    assert code == 0, said
    assert (server.program.parent / "more.yml").exists()

    server.work("activate", LIVE)

    assert not (server.program.parent / "more.yml").exists()
    assert (server.program.parent / "argoWeb.yml").exists()


def test_a_program_that_was_replaced_before_its_teardown_is_does_not_end_what_is_live(
    server: Deployed,
) -> None:
    put(str(server.program), "0", "first", stdin=server.program.read_text())
    server.release("first")
    server.keep(OWNER)

    assert "left alone" in server.teardown()
    assert server.calls() == []
    assert server.program.exists()


@pytest.mark.parametrize(
    "owner", ["project/renamed/web1 root@192.0.2.1:22 0a1b2c3d", f"{OWNER[:-8]}99999999"]
)
def test_so_it_is_where_the_new_teardown_knows_another_name_of_the_folder(
    server: Deployed, owner: str
) -> None:
    server.release("first")
    server.keep(owner)

    assert "left alone" in server.teardown()


def test_what_was_said_of_the_end_of_another_deployment_is_not_for_this_teardown(
    server: Deployed,
) -> None:
    theirs, secret = server.program, server.program.parent / "credentials"
    server.release("first")
    secret.write_text(credentials(SECRET, TUNNEL))
    server.take("project/other/web1 root@192.0.2.1:22 99999999", "other")
    server.release("other")

    assert f"belongs to '{OWNER}': left alone" in server.teardown()
    assert server.calls() == []
    assert theirs.exists()
    assert secret.exists()
