"""The Caddyfile, judged by the real Caddy."""

import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from settings.reading.build import build
from tests.ports import free_port
from tests.render.caddy import (
    PROGRAM,
    Running,
    adapted,
    by_hostname,
    handlers,
    listens_at,
    only_server,
    whole_file,
)

LISTENING = "0A"


def test_the_example_is_valid_for_caddy(prod: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "Caddyfile"
    file.write_text(whole_file(prod))

    result = subprocess.run(
        [PROGRAM, "validate", "--config", file, "--adapter", "caddyfile"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr


def test_caddy_listens_on_loopback_only_and_speaks_plain_http(
    prod: dict[str, Any], tmp_path: Path
) -> None:
    config = adapted(prod, tmp_path)

    server = only_server(config)
    assert listens_at(server) == ["127.0.0.1:8080", "[::1]:8080"]
    assert "tls_connection_policies" not in server
    assert "tls" not in config["apps"]


def test_the_visitors_address_is_taken_from_cloudflares_header(
    prod: dict[str, Any], tmp_path: Path
) -> None:
    prod["caddy"] = {"bind": ["10.0.0.5", "0.0.0.0", "127.0.0.1"]}

    server = only_server(adapted(prod, tmp_path))

    assert server["client_ip_headers"] == ["CF-Connecting-IP"]
    assert server["trusted_proxies"]["ranges"] == ["127.0.0.1/8", "::1/128", "10.0.0.5"]


def test_a_site_becomes_what_its_backend_says(prod: dict[str, Any], tmp_path: Path) -> None:
    prod["sites"] += [
        {"hostname": "raw.example.com", "caddyfile": "header X y\nrespond hi\n"},
        {"hostname": "two.example.com", "proxy": ["127.0.0.1:1", "unix//run/two.sock"]},
        {"hostname": "moved.example.com", "redirect": "/new{uri}"},
    ]

    parts = by_hostname(only_server(adapted(prod, tmp_path)))
    found = {hostname: handlers(part) for hostname, part in parts.items()}

    assert "git.example.org" not in found, "cloudflared reaches that one by itself"
    assert [h["handler"] for h in found["www.example.com"]] == ["vars", "file_server"]
    assert found["www.example.com"][0]["root"] == "/srv/www"
    assert found["example.com"][0]["headers"] == {
        "Location": ["https://www.example.com{http.request.uri}"]
    }
    assert found["app.example.com"][-1]["upstreams"] == [{"dial": "127.0.0.1:3000"}]
    assert [h["handler"] for h in found["raw.example.com"]] == ["headers", "static_response"]
    assert found["two.example.com"][-1]["upstreams"] == [
        {"dial": "127.0.0.1:1"},
        {"dial": "unix//run/two.sock"},
    ]
    assert found["moved.example.com"][0]["headers"] == {"Location": ["/new{http.request.uri}"]}


def test_sites_keep_their_order_and_a_change_of_one_leaves_the_lines_of_the_others(
    prod: dict[str, Any],
) -> None:
    before = whole_file(prod).splitlines()
    prod["sites"].insert(0, {"hostname": "new.example.com", "root": "/srv/new"})

    after = whole_file(prod).splitlines()

    added = [line for line in after if line not in before]
    assert added == ["http://new.example.com:8080 {", "\t\t\timport argoweb-files /srv/new"]
    assert set(before) <= set(after)


def test_lines_for_all_sites_stand_around_them(prod: dict[str, Any], tmp_path: Path) -> None:
    prod["caddy"] = {"siteOptions": "encode gzip\nlog\nhandle_errors {\n\trespond sorry\n}\n"}

    server = only_server(adapted(prod, tmp_path))

    assert "errors" in server
    assert "logs" in server
    assert next(h["handler"] for h in handlers(server["routes"])) == "encode"


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    files = {"certificate": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-subj", "/CN=other.example.net", "-addext", "subjectAltName=DNS:other.example.net",
            "-days", "2", "-out", files["certificate"], "-keyout", files["key"],
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return files


def test_tls_takes_the_given_files_tls_1_3_and_a_client_certificate(
    prod: dict[str, Any], tmp_path: Path, certificate: dict[str, str]
) -> None:
    prod["caddy"] = {"port": 8443, "tls": {**certificate, "clientCa": certificate["certificate"]}}

    config = adapted(prod, tmp_path)

    (policy,) = only_server(config)["tls_connection_policies"]
    assert policy["protocol_min"] == "tls1.3"
    assert policy["client_authentication"]["mode"] == "require_and_verify"
    (files,) = config["apps"]["tls"]["certificates"]["load_files"]
    assert {name: files[name] for name in certificate} == certificate


@pytest.fixture
def caddy(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    running.stop()


def listening(pid: int) -> set[int]:
    """The TCP ports on which a process listens, from the kernel's tables."""
    sockets = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            sockets.add(os.readlink(entry))
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == LISTENING and f"socket:[{words[9]}]" in sockets:
                ports.add(int(words[1].rpartition(":")[2], 16))
    return ports


def shaken(port: int, name: str, authority: str | None) -> dict[str, Any]:
    """The version and certificate of a TLS connection that asks for a name, verified by an authority.

    Caddy makes a certificate of its own authority some time after it has begun to listen.
    """
    context = ssl.create_default_context(cafile=authority)
    if authority is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    deadline = time.monotonic() + 60
    while True:
        try:
            with (
                socket.create_connection(("127.0.0.1", port), 10) as plain,
                context.wrap_socket(plain, server_hostname=name) as connection,
            ):
                return {"version": connection.version(), "certificate": connection.getpeercert()}
        except ssl.SSLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_with_files_caddy_asks_no_authority_and_opens_no_other_port(
    prod: dict[str, Any], caddy: Running, certificate: dict[str, str]
) -> None:
    port = free_port()
    before = listening(caddy.pid)

    caddy.load({**prod, "caddy": {"bind": "127.0.0.1", "port": port, "tls": certificate}})

    assert listening(caddy.pid) - before == {port}
    assert shaken(port, "www.example.com", None)["version"] == "TLSv1.3"
    assert not (caddy.data / "acme").exists()
    assert not (caddy.data / "certificates").exists()


def test_with_a_certificate_of_its_own_authority_caddy_is_verified_by_the_name_cloudflared_uses(
    prod: dict[str, Any], caddy: Running
) -> None:
    port = free_port()
    before = listening(caddy.pid)
    root = caddy.data / "pki/authorities/local/root.crt"
    values = {
        **prod,
        "caddy": {
            "bind": "127.0.0.1",
            "port": port,
            "tls": {"internal": True, "caPool": str(root)},
        },
    }

    caddy.load(values)

    rule = build(values, deployment="argoweb/test").rules[0]
    name = str(rule.origin_request["originServerName"])
    assert rule.origin_request["caPool"] == str(root)
    shown = shaken(port, name, str(root))
    assert shown["version"] == "TLSv1.3"
    assert shown["certificate"]["subjectAltName"] == (("DNS", name),)
    assert listening(caddy.pid) - before == {port}
    assert not (caddy.data / "acme").exists()


def test_caddys_own_authority_does_not_answer_for_other_sites_of_the_same_caddy(
    prod: dict[str, Any], tmp_path: Path
) -> None:
    prod["caddy"] = {"tls": {"internal": True, "noTLSVerify": True}}

    (policy,) = adapted(prod, tmp_path)["apps"]["tls"]["automation"]["policies"]

    assert policy["subjects"] == ["argoweb.internal"]


def test_cloudflared_speaks_tls_to_caddy_under_the_sites_name(prod: dict[str, Any]) -> None:
    prod["caddy"] = {
        "tls": {"certificate": "/c.pem", "key": "/k.pem", "caPool": "/ca.pem"},
        "bind": ["::1"],
    }
    prod["sites"][2]["hostname"] = "*.example.com"

    rules = build(prod, deployment="argoweb/test").rules

    assert rules[0].service == "https://[::1]:8080"
    assert rules[0].origin_request == {"originServerName": "www.example.com", "caPool": "/ca.pem"}
    assert rules[2].origin_request == {"matchSNItoHost": True, "caPool": "/ca.pem"}


INTERNAL = {"tls": {"internal": True, "noTLSVerify": True}}


@pytest.mark.parametrize(
    ("caddy", "expected"),
    [
        ({}, {"httpHostHeader": ""}),
        (
            INTERNAL,
            {
                "httpHostHeader": "",
                "originServerName": "argoweb.internal",
                "matchSNItoHost": False,
                "noTLSVerify": True,
            },
        ),
    ],
)
def test_what_is_said_for_all_sites_and_caddy_cannot_take_is_set_back_for_its_own(
    prod: dict[str, Any], caddy: dict[str, Any], expected: dict[str, Any]
) -> None:
    prod["caddy"] = caddy
    prod["cloudflared"]["originRequest"] = {
        "connectTimeout": "10s",
        "httpHostHeader": "app.local",
        "originServerName": "app.local",
        "matchSNItoHost": True,
    }

    rules = build(prod, deployment="argoweb/test").rules

    assert rules[0].origin_request == expected
    assert rules[0].as_yaml()["originRequest"] == expected
    assert rules[3].origin_request == {}, "no site of Caddy"


def test_a_bastion_for_all_sites_is_taken_where_those_of_caddy_say_no(
    prod: dict[str, Any],
) -> None:
    prod["cloudflared"]["originRequest"] = {"bastionMode": True}
    for site in prod["sites"][:3]:
        site["originRequest"] = {"bastionMode": False}

    assert len(build(prod, deployment="argoweb/test").rules) == 5
