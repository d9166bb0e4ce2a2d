"""Folders on the servers: where the credentials may lie, and what no site may show."""

from typing import Any

import pytest

from settings import FindingsError
from settings.reading.build import build

OF_OTHERS = {
    "a folder of its own": (
        "/bin", "/boot", "/efi", "/etc", "/etc/nixos", "/lib", "/lib64", "/lost+found", "/media", "/mnt", "/nix", "/opt",
        "/sbin", "/srv", "/usr", "/usr/local", "/var", "/var/cache", "/var/db", "/var/empty", "/var/lib", "/var/lib/caddy",
        "/var/lib/nixos", "/var/lib/systemd", "/var/log", "/var/mail", "/var/spool", "/var/www",
    ),
    "it is the kernel's": ("/dev", "/dev/x", "/proc", "/proc/x", "/sys", "/sys/x"),
    "cloudflared's unit does not see it": ("/home", "/home/x", "/root", "/root/x"),
    "cloudflared's unit sees another one there": ("/tmp", "/tmp/x", "/var/tmp", "/var/tmp/x"),
    "it is empty after a restart": ("/run", "/run/x", "/var/run", "/var/run/x"),
    "all can read it": ("/nix/store", "/nix/store/x"),
    "only root may enter it": (
        "/var/lib/argoweb-deploy", "/var/lib/argoweb-deploy/x", "/var/lib/private", "/var/lib/private/x",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("folder", "why"), [(folder, why) for why, folders in OF_OTHERS.items() for folder in folders]
)
def test_credentials_lie_in_no_folder_that_others_use_or_that_cloudflared_cannot(
    prod: dict[str, Any], folder: str, why: str
) -> None:
    prod["sites"] = [{"hostname": "www.example.com", "service": "http://localhost:3000"}]
    prod["nixos"] = {"dataDir": folder}

    with pytest.raises(FindingsError) as refused:
        build(prod, deployment="argoweb/prod")

    (found,) = refused.value.findings
    assert found.place == "argoweb:nixos.dataDir"
    assert why in found.message


@pytest.mark.parametrize("folder", ["/var/lib/x", "/srv/x", "/boot/x", "/etc/x", "/opt/x", "/data"])
def test_a_folder_below_one_of_others_may_have_the_credentials(
    prod: dict[str, Any], folder: str
) -> None:
    prod["sites"] = [{"hostname": "www.example.com", "service": "http://localhost:3000"}]
    prod["nixos"] = {"dataDir": folder}

    assert build(prod, deployment="argoweb/prod").warnings == ()


SECRET_FOLDERS = (
    "/boot", "/dev", "/etc/nixos", "/etc/ssh", "/nix/store/.links", "/proc", "/root", "/run/credentials", "/run/secrets", "/sys",
    "/var/lib/argoweb-deploy", "/var/lib/caddy", "/var/lib/private", "/var/log",
)  # fmt: skip


@pytest.mark.parametrize("folder", SECRET_FOLDERS)
def test_a_site_that_shows_a_folder_of_the_system_is_warned_of(
    prod: dict[str, Any], folder: str
) -> None:
    for root in (folder, f"{folder}/x/", f"/srv/..{folder}"):
        prod["sites"] = [{"hostname": "www.example.com", "root": root}]

        found = {it.code for it in build(prod, deployment="argoweb/prod").warnings}

        assert "shown-to-all" in found, root
