"""What Caddy says of configurations that do not get along with the sites: the server's program tells what to do."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.caddy import OLDEST
from tests.render.caddy import program_of, whole_file

CADDY = Path(__file__).resolve().parents[2] / "remote/caddy.sh"
SITE = """http://www.example.com:8080 {
	bind 127.0.0.1
	import argoweb-files /srv/x
}
"""
SNIPPET = "(argoweb-files) {\n\troot * {args[0]}\n\tfile_server\n}\n"
LOG = "log {\n\tlevel ERROR\n}\n"
SERVERS = "servers 127.0.0.1:8080 {\n\tprotocols h1\n}\n"


def refused(text: str, version: str | None, folder: Path) -> tuple[str, str]:
    """What Caddy says of a file that it refuses, and what the server's program shows of it; nothing where it takes the file."""
    file = folder / "Caddyfile"
    file.write_text(text)
    adapted = subprocess.run(
        [program_of(version), "adapt", "--config", file, "--adapter", "caddyfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    said = adapted.stderr.strip() if adapted.returncode else ""
    program = f'indent() {{ cat; }}\n{CADDY.read_text()}\nshow_refusal "$1"'
    shown = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", program, "caddy.sh", said],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    return said, shown if said else ""


@pytest.mark.parametrize("version", [OLDEST, None])
@pytest.mark.parametrize(
    ("options", "own", "told"),
    [
        (SERVERS, "", "put its lines into argoweb:caddy.serverOptions"),
        (LOG, "", "Set that one, or give yours a name"),
        ("https_port 8080\n", "", "set argoweb:caddy.port to another one"),
        ("", "http://www.example.com:8080 {\n\tbind 127.0.0.1\n\trespond own\n}\n", "take it out there, or out of the stack"),
        ("", "https://own.example.com:8080 {\n\tbind 127.0.0.1\n\trespond own\n}\n", "Caddy cannot have both at one port"),
        ("", "own.example.com\nrespond own\n", "write 'example.com {' before its lines"),
        ("", "own.example.com {\n\trespond own\n}\n", ""),
    ],
)  # fmt: skip
def test_a_clash_with_the_servers_own_configuration_is_told_with_what_to_do(
    tmp_path: Path, version: str | None, options: str, own: str, told: str
) -> None:
    said, shown = refused(f"{{\n{SERVERS}{options}{LOG}}}\n{own}{SNIPPET}{SITE}", version, tmp_path)

    assert bool(said) is bool(told)
    assert (shown != said) is bool(told)
    assert told in shown


def test_metrics_that_an_older_caddy_does_not_have_are_told_with_the_version_that_has_them(
    prod: dict[str, Any], tmp_path: Path
) -> None:
    _, shown = refused(whole_file({**prod, "metrics": {"sites": True}}), OLDEST, tmp_path)

    assert "argoweb:metrics needs Caddy 2.9" in shown


def test_no_value_of_an_environment_file_is_shown_however_caddy_writes_it(tmp_path: Path) -> None:
    values = ["hunter2", "hunter2-and-more", "with blanks", 'back\\slash and "quotes"']
    file = tmp_path / "environment"
    file.write_text(
        f"A={values[0]}\nB={values[1]}\nC=\"{values[2]}\"\nD='{values[3]}'\nE=off\n# {values[0]}\n"
    )
    told = json.dumps({"error": f"{'; '.join(values)}; off"})
    program = (
        f'indent() {{ cat; }}\n{CADDY.read_text()}\nSECRETS=("$2" "$2.none")\nshow_refusal "$1"'
    )

    shown = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", program, "caddy.sh", told, file],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert shown == '{"error": "[secret]; [secret]; [secret]; [secret]; off"}\n'
