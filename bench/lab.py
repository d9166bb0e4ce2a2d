"""A sandbox with the programs that are compared: ours, the flat one, the empty one."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from bench.commands import Taken, taken
from bench.stacks import Site, in_flat_words, in_our_words, sites, zones_of
from bench.watch import Seen, watched
from sandbox.world import World

_MOST_IN_STACK_FILE = 1000
"""Sites; of more than some 1,500 Pulumi cannot hand the stack file to a program."""
UP = ("up", "--yes", "--skip-preview")


@contextmanager
def written_once(world: World) -> Iterator[None]:
    """Meanwhile Pulumi writes the state at an update's end only, so that thousands of sites are there in minutes."""
    world.variables["PULUMI_SKIP_CHECKPOINTS"] = "true"
    try:
        yield
    finally:
        del world.variables["PULUMI_SKIP_CHECKPOINTS"]


class Program:
    """A program with its stack in the sandbox."""

    def __init__(self, world: World, folder: str) -> None:
        self.world = world
        self.folder = folder
        self.stack_file = world.root / folder / "Pulumi.sandbox.yaml"

    def pulumi(self, *words: str) -> str:
        """`pulumi …`; its output."""
        return self.world.run("pulumi", "--non-interactive", *words, folder=self.folder).stdout

    def up(self) -> str:
        """`pulumi up`; its output."""
        return self.pulumi(*UP)

    def destroy(self) -> None:
        """`pulumi destroy`, which is not measured."""
        with written_once(self.world):
            self.pulumi("destroy", "--yes", "--skip-preview")

    def preview_seconds(self) -> float:
        """How long a preview takes."""
        return self.taken("preview").seconds

    def state(self) -> dict[str, Any]:
        """The stack's state."""
        exported: dict[str, Any] = json.loads(self.pulumi("stack", "export"))["deployment"]
        return exported

    def state_bytes(self) -> int:
        """How much of it Pulumi writes for each step."""
        return len(json.dumps(self.state(), separators=(",", ":"), ensure_ascii=False).encode())

    def taken(self, *words: str) -> Taken:
        """What `pulumi …` takes."""
        return taken(lambda: self.pulumi(*words))

    def peak_mib(self) -> float:
        """The greatest memory of the Python program, without engine and plugins, in a preview."""
        return max(seen.peak_mib for seen in self.watched("preview") if seen.role == "program")

    def watched(self, *words: str) -> list[Seen]:
        """The processes of `pulumi …`."""
        return watched(
            ["pulumi", "--non-interactive", *words],
            self.world.root / self.folder,
            self.world.environment(),
            self.world.root / "watched.log",
        )

    def declare(self, sites: Sequence[Site], servers: Sequence[str]) -> None:
        """Writes the stack file."""
        raise NotImplementedError

    def write(self, project: str, values: dict[str, Any]) -> None:
        """Puts values into the stack file; its secrets stay."""
        document = yaml.safe_load(self.stack_file.read_text())
        document["config"] |= {f"{project}:{key}": value for key, value in values.items()}
        self.stack_file.write_text(yaml.safe_dump(document, sort_keys=False, width=1000))

    def doors(self, servers: Sequence[str]) -> dict[str, Any]:
        """How to reach the servers."""
        found = {name: self.world.status["servers"][name]["ssh"] for name in servers}
        return {
            name: {"address": it["host"], "port": it["port"], "hostKey": it["host_key"]}
            for name, it in found.items()
        }


class Ours(Program):
    """argoweb."""

    def declare(self, sites: Sequence[Site], servers: Sequence[str]) -> None:
        zones = [{"name": name, "id": key} for name, key in zones_of(sites).items()]
        ours = in_our_words(sites)
        in_file = ours if len(ours) > _MOST_IN_STACK_FILE else []
        (self.world.root / "sites.json").write_text(json.dumps(in_file))
        values = {"sites": [] if in_file else ours, "sitesFile": "sites.json", "zones": zones}
        self.write("argoweb", {"servers": self.doors(servers), **values})


class Other(Program):
    """A program in a folder of its own name that takes the flat program's words."""

    def prepare(self, account: str) -> None:
        """Makes its stack, with the key for the servers."""
        key = self.world.status["ssh"]["private_key_file"]
        self.pulumi("stack", "select", "--create", "sandbox")
        command = 'pulumi --non-interactive config set --secret sshPrivateKey <"$0"'
        self.world.run("bash", "-c", command, key, folder=self.folder)
        self._declare({"accountId": account})

    def declare(self, sites: Sequence[Site], servers: Sequence[str]) -> None:
        file = self.world.root / self.folder / "sites.json"
        file.write_text(json.dumps(in_flat_words(sites)))
        self._declare({"servers": self.doors(servers)})

    def _declare(self, values: dict[str, Any]) -> None:
        self.write(Path(self.folder).name, values)


class Lab:
    """The sandbox, and one of each program."""

    def __init__(self, folder: Path, servers: int) -> None:
        self.world = World(folder)
        try:
            self.world.start(servers)
            self.ours = Ours(self.world, ".")
            stack = yaml.safe_load(self.ours.stack_file.read_text())
            self.account: str = str(stack["config"]["argoweb:accountId"])
        except BaseException:
            self.close()
            raise

    @cached_property
    def flat(self) -> Other:
        """What one writes by hand; its stack is made on first use."""
        return self._other("bench/flat")

    @cached_property
    def floor(self) -> Other:
        """The same resources and nothing else; its stack is made on first use."""
        return self._other("bench/floor")

    @cached_property
    def empty(self) -> Program:
        """The empty program; its stack is made on first use."""
        program = Program(self.world, "bench/empty")
        program.pulumi("stack", "select", "--create", "sandbox")
        return program

    def _other(self, folder: str) -> Other:
        program = Other(self.world, folder)
        program.prepare(self.account)
        return program

    def declare(self, program: Program, sites: Sequence[Site], servers: Sequence[str]) -> None:
        """Writes the program's stack file; Cloudflare has its zones then."""
        self.seed(zones_of(sites))
        program.declare(sites, servers)

    def seed(self, zones: Mapping[str, str]) -> None:
        """Has Cloudflare know zones, by name and id."""
        seed = [
            {"id": key, "name": name, "account_id": self.account, "plan": "pro"}
            for name, key in zones.items()
        ]
        self.world.control("/seed", {"zones": seed})

    def deploy(self, count: int, other: str = "flat") -> None:
        """Brings ours and another one to as many sites, each on a server of its own."""
        self.deploy_on(self.ours, sites(count, mark="ours"), ["web1"])
        self.deploy_on(getattr(self, other), sites(count, mark=other), ["web2"])

    def deploy_on(self, program: Program, sites: Sequence[Site], servers: Sequence[str]) -> None:
        """Brings a program to its sites, which is not measured."""
        self.declare(program, sites, servers)
        with written_once(self.world):
            program.up()

    def activation_seconds(self, servers: Sequence[str]) -> float:
        """How long at least one of the servers was at its last activation, from its connection to the end of its work."""
        spans = []
        for server in servers:
            log = self.world.host_root(server) / "var/lib/argoweb-deploy/log"
            spans.append((self.world.login_times(server)[-1], log.stat().st_mtime))
        seconds = end = 0.0
        for began, ended in sorted(spans):
            seconds += max(ended - max(began, end), 0)
            end = max(end, ended)
        return seconds

    def parts(self) -> list[str]:
        """Which parts are real in this run, and the plugins that are in use."""
        table = self.world.run(".venv/bin/python", "-m", "sandbox.parts").stdout
        plugins = self.world.status["plugins"].items()
        return [*table.splitlines(), *(f"plugin {name} in use: {kind}" for name, kind in plugins)]

    def evaluations(self, server: str) -> int:
        """How often `nixos-rebuild` has evaluated the server's configuration."""
        log = self.world.host_root(server) / "var/log/sandbox/nixos-rebuild"
        return len(log.read_text().splitlines())

    def close(self) -> None:
        """Ends the sandbox."""
        self.world.stop()
