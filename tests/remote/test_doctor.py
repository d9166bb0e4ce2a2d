"""What a server tells before its first deployment: the real program, on this machine and in a folder that stands for one."""

import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from argoweb.programs import write_doctor_program

SYSTEMCTL = """#!/bin/sh
case "$*" in
  "show -p LoadState --value caddy.service") echo loaded ;;
  "show -p LoadState --value "*) echo not-found ;;
  "is-active caddy.service") echo failed; exit 3 ;;
  "cat -- caddy.service") echo "ExecStart=$STUBS/caddy run --config /etc/caddy/caddy_config" ;;
  *) exit 1 ;;
esac
"""
INITIAL = b"\xc0\x1a\x2a\x3a\x4a\x08argoweb1\x08argoweb2"
"""How a first packet of QUIC begins: a long header, a version that nobody has, two connection ids."""


class Machine:
    """A folder that stands for the root of a server, but for the processes and connections of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stubs = folder, folder / "stubs"
        self.places = {
            each: f"{folder}{each}"
            for each in (
                "/etc/nixos",
                "/etc/set-environment",
                "/nix/store",
                "/proc/meminfo",
                "/proc/net/if_inet6",
                "/proc/sys/net/core",
                "/run/current-system",
                "/var/lib/argoweb-deploy",
            )
        }
        self.places["PROBE_SECONDS=5"] = "PROBE_SECONDS=1"
        self.write("stubs/systemctl", SYSTEMCTL)
        self.write(
            "proc/meminfo",
            "MemTotal: 9 kB\nMemAvailable: 1000 kB\nSwapTotal: 7 kB\nSwapFree: 500 kB\n",
        )

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def told(
        self,
        *edges: str,
        config_dir: str = "/etc/caddy",
        ports: str = "",
        flake: str = "",
        roots: tuple[str, ...] = (),
        unit: str = "none",
    ) -> dict[str, list[list[str]]]:
        """The fields of its lines, by their kind."""
        program = write_doctor_program(unit, flake, roots, config_dir, ports, *edges)
        for theirs, ours in self.places.items():
            assert theirs in program
            program = program.replace(theirs, ours)
        ran = subprocess.run(
            ["bash"],
            input=program,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={"PATH": f"{self.stubs}:{os.environ['PATH']}", "STUBS": str(self.stubs)},
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        lines = [line.split("\t") for line in ran.stdout.splitlines()]
        assert lines[0][0] == "clock"
        assert lines[-1] == ["end"]
        kinds = {kind for kind, *_ in lines}
        return {kind: [fields for each, *fields in lines if each == kind] for kind in sorted(kinds)}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_an_edge_that_answers_is_told_with_both_ways_to_it(machine: Machine) -> None:
    machine.places["PROBE_SECONDS=5"] = "PROBE_SECONDS=60"
    packets: list[bytes] = []
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answerer,
    ):
        answerer.bind(("127.0.0.1", 0))

        def answer() -> None:
            packet, sender = answerer.recvfrom(2000)
            packets.append(packet)
            answerer.sendto(b"versions", sender)

        threading.Thread(target=answer, daemon=True).start()
        tcp, udp = ("{}:{}".format(*each.getsockname()) for each in (listener, answerer))
        told = machine.told(tcp, udp)

    assert [tcp, "yes"] in told["tcp"]
    assert [udp, "yes"] in told["udp"]
    assert packets[0].startswith(INITIAL)
    assert len(packets[0]) >= 1200, "a shorter first packet gets no answer"


def test_an_edge_that_does_not_answer_is_told_with_the_reason(machine: Machine) -> None:
    with socket.socket() as closed, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        for each in (closed, silent):
            each.bind(("127.0.0.1", 0))
        tcp, udp = ("{}:{}".format(*each.getsockname()) for each in (closed, silent))
        told = machine.told(tcp, udp, "edge.invalid:7844")

    assert [tcp, "Connection refused"] in told["tcp"]
    assert [udp, "no answer within 1 s"] in told["udp"]
    assert dict(told["tcp"])["edge.invalid:7844"] not in {"yes", ""}
    assert dict(told["udp"])["edge.invalid:7844"] not in {"yes", "", "0"}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_who_listens_on_a_port_is_told_with_process_and_unit(machine: Machine, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("NOT CHECKED: who listens by IPv6, which this machine does not have")
    with listener, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        port, nobodys = (each.getsockname()[1] for each in (listener, deaf))
        (told,) = machine.told(ports=f"{port},{nobodys}")["listener"]

    unit = Path("/proc/self/cgroup").read_text().splitlines()[-1].rpartition("/")[2]
    name = Path("/proc/self/comm").read_text().strip()
    assert told == [str(port), name, str(os.getpid()), unit or "none"]


def test_a_port_of_a_process_that_is_not_seen_is_systemds(machine: Machine) -> None:
    machine.write("stubs/find", "#!/bin/sh\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        assert machine.told(ports=str(port))["listener"] == [[str(port), "systemd", "1", "none"]]


def test_a_server_that_has_nothing_yet_tells_of_no_more_than_itself(machine: Machine) -> None:
    told = machine.told(config_dir=f"{machine.folder}/etc/caddy")

    assert told["nixos"] == [["", ""]]
    assert told["module"] == [[""]]
    assert told["flake"] == [["no"]]
    assert told["import"] == [[f"{machine.folder}/etc/nixos", ""]]
    assert told["buffers"] == [["", ""]]
    assert "no-ipv6" in told
    assert "read-only" not in told
    assert not {"owner", "listener", "caddy", "root", "tcp", "udp"} & {*told}


def test_a_server_tells_what_it_is_and_whose(machine: Machine) -> None:
    rebuild = machine.write("stubs/nixos-rebuild", "#!/bin/sh\n")
    machine.write("run/current-system/nixos-version", "25.11.2\n")
    unit = "run/current-system/etc/systemd/system/argoWeb-recover.service"
    machine.write(unit, "[Unit]\nX-Inputs=0123\n")
    machine.write("var/lib/argoweb-deploy/owner", "shop/prod/web1 root@192.0.2.1:22\n")
    machine.write("proc/net/if_inet6", f"{1:032x} 01 80 10 80       lo\n")
    for name, size in (("rmem_max", 212992), ("wmem_max", 4096)):
        machine.write(f"proc/sys/net/core/{name}", f"{size}\n")
    machine.write("nix/store/x", "")

    told = machine.told()

    assert told["nixos"] == [["25.11.2", str(rebuild)]]
    assert told["module"] == [["0123"]]
    assert told["owner"] == [["shop/prod/web1 root@192.0.2.1:22"]]
    assert told["memory"] == [["1500"]]
    assert told["buffers"] == [["212992", "4096"]]
    assert "no-ipv6" not in told
    free = {path: int(kilobytes) for path, kilobytes, _ in told["disk"]}
    assert {f"{machine.folder}/nix/store", "/var", "/tmp"} <= {*free}
    assert all(kilobytes >= 0 for kilobytes in free.values())
    assert all(used == "-" or used.endswith("%") for _, _, used in told["disk"])


@pytest.mark.parametrize(
    ("flake", "folder"),
    [
        ("", "etc/nixos"),
        ("FOLDER/etc/own#web1", "etc/own"),
        ("path:FOLDER/etc/own", "etc/own"),
        ("github:shop/servers#web1", "etc/nixos"),
    ],
)
def test_the_file_that_imports_the_module_is_looked_for_where_the_configuration_is(
    machine: Machine, flake: str, folder: str
) -> None:
    for place in ("etc/nixos", "etc/own"):
        machine.write(f"{place}/README.md", "/etc/caddy/argoWeb.nix\n")
        own = machine.write(f"dotfiles/{place}", "imports = [ /etc/caddy/argoWeb.nix ];\n")
        (machine.folder / place / "hosts").mkdir()
        (machine.folder / place / "hosts/web1.nix").symlink_to(own)
        machine.write(f"{place}/a.nix", "imports = [\n  # /etc/caddy/argoWeb.nix\n];\n")
        machine.write(f"{place}/other.nix", "imports = [ /etc/caddy/argoWebXnix ];\n")
    given = flake.replace("FOLDER", str(machine.folder))

    told = machine.told(flake=given)

    where = f"{machine.folder}/{folder}"
    assert told["import"] == [[where, f"{where}/hosts/web1.nix"]]
    assert told["flake"] == [["yes" if flake else "no"]]


def test_a_file_that_only_looks_like_an_import_is_none(machine: Machine) -> None:
    machine.write("etc/nixos/README.md", "/etc/caddy/argoWeb.nix\n")
    machine.write("etc/nixos/configuration.nix", "imports = [ /etc/caddy/argoWebXnix ];\n")

    assert machine.told()["import"] == [[f"{machine.folder}/etc/nixos", ""]]


def test_a_configuration_that_is_a_flake_is_one(machine: Machine) -> None:
    machine.write("etc/nixos/flake.nix", "{ }\n")

    assert machine.told()["flake"] == [["yes"]]


@pytest.mark.parametrize(("version", "old"), [("v2.7.6 h1:x", True), ("v2.10.0 h1:x", False)])
def test_a_caddy_that_is_there_is_told_with_its_state_and_its_age(
    machine: Machine, version: str, old: bool
) -> None:
    machine.write("stubs/caddy", f"#!/bin/sh\necho '{version}'\n")
    (machine.folder / "srv/www").mkdir(parents=True)
    there, gone = machine.folder / "srv/www", machine.folder / "srv/gone"

    roots = (f"www.example.com {there}", f"old.example.com {gone}")
    told = machine.told(unit="caddy", roots=roots)

    ((unit, state, words),) = told["caddy"]
    assert (unit, state) == ("caddy.service", "failed")
    assert words.startswith("Caddy 2.7.6 is too old" if old else "") == bool(words or not old)
    assert bool(words) == old
    assert told["root"] == [["old.example.com", str(gone), "is not there"]]


@pytest.mark.parametrize(
    ("version", "bad", "old"),
    [
        ("2026.8.0", True, None),
        ("2025.11.0", False, None),
        ("2025.10.9", False, "2025.10.9"),
        ("2020.6.1", False, "2020.6.1"),
        ("", False, None),
    ],
)
def test_each_cloudflared_that_runs_is_told_with_its_unit_and_what_its_version_does_wrong(
    machine: Machine, version: str, bad: bool, old: str | None
) -> None:
    machine.write("stubs/date", "#!/bin/sh\necho '2026 11'\n")
    machine.places["/proc/[0-9]*"] = f"{machine.folder}/proc/[0-9]*"
    machine.places["path#/proc/"] = f"path#{machine.folder}/proc/"
    machine.places['"/proc/$1/cgroup"'] = f'"{machine.folder}/proc/$1/cgroup"'
    for process, name in (("7", "cloudflared"), ("8", "bash")):
        machine.write(f"proc/{process}/comm", f"{name}\n")
        machine.write(f"proc/{process}/cgroup", "1:x:/\n0::/system.slice/argoWeb.service\n")
        program = (
            f"#!/bin/sh\n[ \"$*\" = --version ] && echo 'cloudflared version {version} (built)'\n"
        )
        machine.write(f"proc/{process}/exe", program if version else "#!/bin/sh\nexit 1\n")

    told = machine.told()

    ((process, unit, fault),) = told["cloudflared"]
    assert (process, unit) == ("7", "argoWeb.service")
    assert fault.startswith("cloudflared 2026.8.0 changes the path") == bad
    assert bool(fault) == bad
    assert told.get("cloudflared-old", []) == ([[old, "argoWeb.service"]] if old else [])
