"""One server: its file tree, its namespace, its boot."""

import compileall
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import cloudflared, processes
from sandbox.cloudflare.server import REAL_PORTS, STANDIN_PORT, TEAM_ADDRESS
from sandbox.server import control_groups, mounts
from sandbox.state import CHECKOUT, FOLDER, SandboxError, write

HERE = Path(__file__).resolve().parent
_TUNNEL_CLIENT = "/opt/sandbox/bin/real-cloudflared"
_EDGE_AUTHORITY = "/etc/sandbox/edge-ca.pem"
_BOOT_SECONDS = 180
SWITCH = "SANDBOX_SWITCH_TO_CONFIGURATION"
"""Names NixOS's own program, which then takes the imitation's place on the servers."""
MODULES = "SANDBOX_NIXPKGS"
"""Names a checkout of nixpkgs, whose `lib` and modules then take the imitation's place on the servers."""
_OF_NIXPKGS = ("lib", "nixos/lib", "nixos/modules")
_SHARED_MODULES = "modules"
"""What NixOS's modules import from beside `nixos/`; releases before 25.11 have no such folder."""
_IMITATION = (
    "#!/bin/sh\n"
    "export PYTHONPATH=/opt/sandbox/python PYTHONDONTWRITEBYTECODE=1 TUNNEL_TRANSPORT_PROTOCOL={protocol}\n"
    "{exports}"
    # Nearly as quick as the real one, which takes 70 ms to start: Python collects no garbage meanwhile.
    "exec /opt/sandbox/bin/python3 -S -c"
    """ 'import gc; gc.disable(); from cloudflared.main import main; main()' "$@"\n"""
)
ADMIN = "admin"
"""A user who is not root and may use sudo, where the machine has it."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A server of the sandbox."""

    name: str
    ssh_port: int
    _binds: list[str] = field(default_factory=list, init=False, compare=False)

    @property
    def folder(self) -> Path:
        """All that belongs to it."""
        return FOLDER / "servers" / self.name

    @property
    def root(self) -> Path:
        """Its file tree, seen from outside."""
        return self.folder / "root"

    @property
    def namespace(self) -> Path:
        """The file that holds its network namespace."""
        return self.folder / "netns"

    @property
    def host_key(self) -> str:
        """Type and key, as in `known_hosts`.

        Raises:
            ValueError: the file that has them is broken.
        """
        kind, key, *_ = (self.folder / "host_key.pub").read_text().split()
        if kind != "ssh-ed25519":
            raise ValueError(kind)
        return f"{kind} {key}"

    @property
    def private_key(self) -> Path:
        """The SSH key that root and the admin user accept."""
        return FOLDER / "ssh_key"

    @property
    def public_key(self) -> str:
        """The public half of that key."""
        return self.private_key.with_suffix(".pub").read_text()

    @property
    def parts(self) -> tuple[str, str]:
        """What its two processes are called."""
        return (f"servers/{self.name}/netns", f"servers/{self.name}/root")

    @property
    def _machine_name(self) -> str:
        return f"argoweb-{self.name}-{_short(str(self.folder))}"

    def create(self, caddy: Path, example: Path) -> None:
        """Lays out the file tree: this machine's own under a layer that takes every change."""
        self.folder.mkdir(parents=True, exist_ok=True)
        mounts.overlay(self.folder)
        self._empty_what_the_machine_brings()
        self._install_nixos(caddy)
        self._set_up_ssh()
        shutil.copytree(example / "server", self.root / "etc/nixos", dirs_exist_ok=True)
        shutil.copytree(example / "www", self.root / "srv/www", dirs_exist_ok=True)

    def find_edge(self, chosen: cloudflared.Cloudflared, authority: Path, team: str) -> None:
        """Puts the chosen cloudflared there, and points it to the sandbox's edge, and to the keys at the domain of a
        team, from outside of its files.
        """
        program = self.root / "opt/sandbox/bin/cloudflared"
        write(self.root / _EDGE_AUTHORITY[1:], authority.read_text())
        with (self.root / "etc/hosts").open("a") as hosts:
            hosts.write(f"{TEAM_ADDRESS} {team}\n")
        if chosen.program is None:
            write(self.root / "etc/sandbox/edge", f"127.0.0.1:{STANDIN_PORT}\n")
            trusting = cloudflared.trusting(_EDGE_AUTHORITY)
            exports = "".join(f"export {name}={value}\n" for name, value in trusting.items())
            write(program, _IMITATION.format(protocol=chosen.protocol, exports=exports), 0o755)
            return
        self._binds.append(f"{chosen.program}:{_TUNNEL_CLIENT}")
        ports = list(REAL_PORTS.values())
        variables = cloudflared.environment(chosen.protocol, ports, _EDGE_AUTHORITY)
        exports = "".join(f"export {name}={value}\n" for name, value in variables.items())
        write(program, f'#!/bin/sh\n{exports}exec {_TUNNEL_CLIENT} "$@"\n', 0o755)

    def open_network(self, others: Iterable["Machine"]) -> None:
        """Makes its network namespace and the doors of SSH.

        The other machines' SSH has the address inside that it has outside.
        """
        mounts.network_namespace(self.namespace)
        processes.start(
            f"{self.name}: network",
            [
                sys.executable,
                "-m",
                "sandbox.server.network",
                str(self.namespace),
                str(self.ssh_port),
                *(f"{other.ssh_port}:{other.ssh_port}" for other in others),
            ],
            log=self.folder / "network.log",
            cwd=CHECKOUT,
        )

    def start(self) -> None:
        """Boots it; returns when SSH answers.

        Raises:
            SandboxError: it does not boot in time.
        """
        processes.start(
            f"{self.name}: systemd-nspawn",
            [
                str(HERE / "boot.sh"),
                " ".join(map(str, control_groups.create(self._machine_name))),
                "systemd-nspawn",
                "--quiet",
                f"--directory={self.root}",
                f"--machine={self._machine_name}",
                f"--network-namespace-path={self.namespace}",
                "--register=no",
                "--keep-unit",
                "--console=pipe",
                "--kill-signal=SIGRTMIN+3",
                "--notify-ready=yes",
                "--link-journal=no",
                "--resolv-conf=off",
                "--timezone=off",
                f"--bind-ro={sys.base_prefix}:/opt/sandbox-python",
                *(f"--bind-ro={bind}" for bind in self._binds),
                "/opt/sandbox/bin/init",
            ],
            log=self.folder / "console.log",
        )
        self._wait()

    def remove(self) -> None:
        """Takes its file tree away, and what still runs there."""
        control_groups.remove(self._machine_name)
        mounts.release(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self) -> None:
        deadline = time.monotonic() + _BOOT_SECONDS
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.ssh_port), timeout=1) as probe:
                    probe.settimeout(2)
                    if probe.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            time.sleep(0.1)
        console = (self.folder / "console.log").read_text(errors="replace")[-2000:]
        raise SandboxError(
            f"The server {self.name} did not boot within {_BOOT_SECONDS} s.\n{console}"
        )

    def _empty_what_the_machine_brings(self) -> None:
        """None of this machine's own services, Nix paths and tunnels is the server's."""
        for pattern in (
            "etc/systemd/system/*",
            "etc/systemd/user/*",
            "etc/rc?.d/*",
            "etc/cron*/*",
            "etc/nixos",
            "etc/caddy",
            "etc/ssh/ssh_host_*",
            "etc/ssh/sshd_config.d/*",
            "etc/update-motd.d/*",
            "nix",
            "srv/www",
            "var/lib/argo*",
            "var/lib/nixos",
            "var/log/journal",
            "root/.bash*",
            "root/.profile",
            "root/.ssh",
            "root/.nix-*",
        ):
            for path in self.root.glob(pattern):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def _install_nixos(self, caddy: Path) -> None:
        root, tools = self.root, self.root / "opt/sandbox"
        shutil.copytree(HERE / "bin", tools / "bin", dirs_exist_ok=True)
        if real := real_switch():
            shutil.copy(real, tools / "bin/switch-to-configuration")
        shutil.copytree(HERE / "nixpkgs", tools / "nixpkgs", dirs_exist_ok=True)
        if checkout := real_modules():
            copy_modules(checkout, tools / "nixpkgs/real")
        import yaml

        for package in (Path(yaml.__file__).parent, HERE / "cloudflared"):
            shutil.copytree(package, tools / "python" / package.name, dirs_exist_ok=True)
        shared = Path("sandbox/cloudflare/http.py")
        write(tools / "python" / shared, (CHECKOUT / shared).read_text())
        compileall.compile_dir(tools / "python", quiet=1)
        # A Python that finds its own library where a confined unit may look.
        write(
            tools / "bin/python3",
            "#!/bin/sh\n"
            'LD_LIBRARY_PATH=/opt/sandbox-python/lib exec /opt/sandbox-python/bin/python3 "$@"\n',
            0o755,
        )
        shutil.copy(caddy, tools / "bin/caddy")
        write(root / "etc/hostname", f"{self.name}\n")
        write(root / "etc/hosts", f"127.0.0.1 localhost {self.name}\n::1 localhost\n")
        write(root / "etc/machine-id", f"{hashlib.md5(str(self.folder).encode()).hexdigest()}\n")
        write(
            root / "etc/nix/nix.conf", "build-users-group =\nsandbox = false\nsubstitute = false\n"
        )
        write(
            root / "etc/set-environment",
            "export PATH=/run/wrappers/bin:/run/current-system/sw/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
            "export NIX_PATH=nixpkgs=/opt/sandbox/nixpkgs:nixos-config=/etc/nixos/configuration.nix\n",
        )
        (root / "etc/NIXOS").touch()
        (root / "var/log/journal").mkdir(exist_ok=True)  # the journal is kept on disk
        default = root / "etc/systemd/system/default.target"
        default.symlink_to("/lib/systemd/system/multi-user.target")

    def _set_up_ssh(self) -> None:
        root = self.root
        host_key = self.folder / "host_key"
        if not host_key.exists():
            _keygen(host_key)
        for suffix, mode in (("", 0o600), (".pub", 0o644)):
            write(
                root / f"etc/ssh/ssh_host_ed25519_key{suffix}",
                host_key.with_name(f"host_key{suffix}").read_text(),
                mode,
            )
        write(
            root / "etc/ssh/sshd_config",
            "ListenAddress 127.0.0.1\n"
            "HostKey /etc/ssh/ssh_host_ed25519_key\n"
            "PasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\n"
            "PermitRootLogin prohibit-password\n"
            "AllowTcpForwarding yes\n"
            "Subsystem sftp internal-sftp\n",
        )
        allowed = self.public_key
        write(root / "root/.ssh/authorized_keys", allowed, 0o600)
        (root / "root/.ssh").chmod(0o700)
        service = root / "etc/systemd/system/multi-user.target.wants/ssh.service"
        service.parent.mkdir(parents=True, exist_ok=True)
        service.symlink_to("/lib/systemd/system/ssh.service")
        # Without a password, but not locked: sshd lets no locked user in where it does not ask PAM.
        account = ["--create-home", "--shell", "/bin/bash", "--password", "*", ADMIN]
        subprocess.run(["useradd", "--root", str(root), *account], check=True, capture_output=True)
        home = root / "home" / ADMIN
        write(home / ".ssh/authorized_keys", allowed, 0o600)
        subprocess.run(
            ["chroot", str(root), "chown", "-R", f"{ADMIN}:{ADMIN}", f"/home/{ADMIN}/.ssh"],
            check=True,
        )
        if (root / "etc/sudoers.d").is_dir():
            write(root / f"etc/sudoers.d/{ADMIN}", f"{ADMIN} ALL=(ALL) NOPASSWD: ALL\n", 0o440)


def leftovers() -> list[Machine]:
    """Every machine of which a folder or a control group is left."""
    folder = FOLDER / "servers"
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    # `argoweb-NAME-HASH`; the hash tells this checkout's from another one's.
    names |= {group.removeprefix("argoweb-").rpartition("-")[0] for group in control_groups.names()}
    found = [Machine(name=name, ssh_port=0) for name in sorted(names)]
    return [
        machine
        for machine in found
        if machine.folder.exists() or machine._machine_name in control_groups.names()
    ]


def ensure_key(path: Path) -> str:
    """The public half of a private SSH key, which is made where there is none or a broken one."""
    if not is_key(path):
        _keygen(path)
    return path.with_suffix(".pub").read_text()


def is_key(path: Path) -> bool:
    """Whether a file is a private SSH key that no passphrase guards, and its public one lies beside it."""
    shown = subprocess.run(
        ["ssh-keygen", "-y", "-P", "", "-f", str(path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    try:
        public = path.with_suffix(".pub").read_text().split()
    except (OSError, UnicodeDecodeError):
        return False
    return bool(shown) and shown[:2] == public[:2]


def real_switch() -> Path | None:
    """NixOS's own switch-to-configuration, where SWITCH names it.

    Raises:
        SandboxError: it names no program.
    """
    given = os.environ.get(SWITCH)
    if not given:
        return None
    if not os.access(given, os.X_OK) or Path(given).is_dir():
        raise SandboxError(f"{SWITCH} is '{given}': there is no program.")
    return Path(given)


def real_modules() -> Path | None:
    """The checkout of nixpkgs that MODULES names.

    Raises:
        SandboxError: it names none.
    """
    given = os.environ.get(MODULES)
    if not given:
        return None
    if missing := [name for name in _OF_NIXPKGS if not (Path(given) / name).is_dir()]:
        raise SandboxError(
            f"{MODULES} is '{given}': there is no folder {' and no '.join(missing)}."
        )
    return Path(given).absolute()


def copy_modules(checkout: Path, target: Path) -> None:
    """Copies of a checkout of nixpkgs what evaluates the configuration of a server."""
    for folder in (*_OF_NIXPKGS, _SHARED_MODULES):
        if (checkout / folder).is_dir():
            shutil.copytree(checkout / folder, target / folder)


def version_of_nixpkgs(checkout: Path) -> str:
    """The release that it belongs to or will become."""
    return (checkout / "lib/.version").read_text().strip()


def _keygen(path: Path) -> None:
    for old in (path, path.with_suffix(".pub")):
        old.unlink(missing_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "sandbox", "-f", str(path)],
        check=True,
    )


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
