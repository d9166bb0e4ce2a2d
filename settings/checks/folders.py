"""Checks the folders on the servers: that argoweb's are its own, and that no site shows what is the system's."""

import posixpath
from collections.abc import Sequence
from pathlib import PurePosixPath

from settings.caddyfile.lines import list_roots
from settings.contract import DATA_FOLDER, DEPLOY_FOLDER
from settings.model.stack import CaddyLines, Directory, Nixos, Settings, Site
from values.findings import Findings, make_warning

SHOWN_TO_ALL = make_warning("shown-to-all", "A site shows visitors what is the system's own.")
RELATIVE_ROOT = make_warning("relative-root", "A folder depends on where Caddy works.")
_NOT_ITS_OWN = (
    "/bin", "/boot", "/efi", "/etc/nixos", "/lib", "/lib64", "/lost+found", "/media", "/mnt", "/nix", "/opt", "/sbin", "/srv",
    "/usr/local", "/var/cache", "/var/db", "/var/empty", "/var/lib/caddy", "/var/lib/nixos", "/var/lib/systemd", "/var/log",
    "/var/mail", "/var/spool", "/var/www",
)  # fmt: skip
"""Folders with more in them than one program's files, as those around them have."""
_UNUSABLE = {
    "/dev": "it is the kernel's",
    "/home": "cloudflared's unit does not see it",
    "/nix/store": "all can read it and nobody can write to it",
    "/proc": "it is the kernel's",
    "/root": "cloudflared's unit does not see it",
    "/run": "it is empty after a restart of the server",
    "/sys": "it is the kernel's",
    "/tmp": "cloudflared's unit sees another one there",
    DEPLOY_FOLDER: "only root may enter it",
    "/var/lib/private": "only root may enter it",
    "/var/run": "it is empty after a restart of the server",
    "/var/tmp": "cloudflared's unit sees another one there",
}
"""Folders in which neither the configuration nor the credentials can be, and why."""
_NOT_TO_BE_SEEN = (
    "/boot", "/dev", "/etc/nixos", "/etc/ssh", "/nix/store/.links", "/proc", "/root", "/run/credentials", "/run/secrets",
    "/sys", DEPLOY_FOLDER, "/var/lib/caddy", "/var/lib/private", "/var/log",
)  # fmt: skip
"""Folders with secrets or with the system's own files in them."""
_DATA = "argoweb:nixos.dataDir"


def _add_parents(*folders: str) -> frozenset[PurePosixPath]:
    paths = map(PurePosixPath, folders)
    return frozenset(each for path in paths for each in (path, *path.parents))


_HOLD_MORE = _add_parents(*_NOT_ITS_OWN)


def check(settings: Settings, findings: Findings) -> None:
    """Checks that the folders of NixOS are its own, and that no site shows what is not meant to be seen."""
    _check_folders(settings.nixos, findings)
    _check_roots(settings.sites, settings.nixos, findings)


def _check_folders(nixos: Nixos, findings: Findings) -> None:
    """Checks that the pushed files can be read and kept, and that nothing else is given to cloudflared's user with them."""
    config, data = PurePosixPath(nixos.config_dir), PurePosixPath(nixos.data_dir)
    own = f"a folder of its own such as '{DATA_FOLDER}', since NixOS gives it to the user argoWeb"
    if config.is_relative_to(data):
        findings.add_mismatch(
            _DATA, str(data), f"{own}, and not one with argoweb:nixos.configDir in it"
        )
    elif data in _HOLD_MORE:
        findings.add_mismatch(_DATA, str(data), own)
    else:
        _check_usable(_DATA, data, findings)
    _check_usable("argoweb:nixos.configDir", config, findings)


def _check_usable(where: str, folder: PurePosixPath, findings: Findings) -> None:
    around = {str(path) for path in _add_parents(str(folder))}
    for unusable, why in _UNUSABLE.items():
        if unusable in around:
            findings.add_mismatch(where, str(folder), f"one outside of {unusable}: {why}")


def _check_roots(sites: Sequence[Site], nixos: Nixos, findings: Findings) -> None:
    """Checks that no site shows what is not meant to be seen."""
    data = PurePosixPath(nixos.data_dir)
    for site in sites:
        if isinstance(site.backend, Directory):
            root = PurePosixPath(posixpath.normpath(site.backend.root))
            where, expected = f"{site.place}.root", None
            if root == PurePosixPath("/"):
                expected = "a folder, not the whole server"
            elif root.is_relative_to(data) or data.is_relative_to(root):
                expected = f"a folder apart from the credentials in {data}"
            if expected:
                findings.add_mismatch(where, site.backend.root, expected)
            else:
                _check_shown(where, site.backend.root, (), findings)
        elif isinstance(site.backend, CaddyLines):
            for text in list_roots(site.backend.text):
                _check_shown(f"{site.place}.caddyfile", text, (nixos.data_dir,), findings)


def _check_shown(where: str, root: str, also: Sequence[str], findings: Findings) -> None:
    """Warns of a root with what is the system's own in it, and of one that depends on where Caddy works."""
    if root.startswith("{"):
        return
    if not root.startswith("/"):
        text = f"'{root}' is no absolute path: Caddy's unit looks for it below '/'."
        findings.add(RELATIVE_ROOT, where, text)
        return
    path = PurePosixPath(posixpath.normpath(root))
    around = _add_parents(str(path))
    for folder in map(PurePosixPath, (*_NOT_TO_BE_SEEN, *also)):
        if folder in around or path in folder.parents:
            findings.add(
                SHOWN_TO_ALL,
                where,
                f"'{root}' gives {folder} to every visitor.",
                "Put what is meant for them into a folder of its own.",
            )
            return
