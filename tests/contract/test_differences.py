"""Where the imitation is allowed to differ: both sides, so that the documents stay right."""

import urllib.request
from pathlib import Path

import pytest

from tests.contract import differences
from tests.contract.rig import CLOSES, HOST, Rig, until
from tests.contract.test_requests import BAD_GATEWAY, answered, asked, over_http2

ROOT = Path(__file__).resolve().parents[2]


def test_each_difference_is_tested_and_the_documents_have_it() -> None:
    assert {item.test for item in differences.DIFFERENCES} <= set(globals())
    assert differences.table() in (ROOT / "docs/sandbox.md").read_text()


@over_http2
def test_an_answer_that_is_shorter_than_it_said(rig: Rig) -> None:
    rig.start()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n"

    got = answered(rig, head + b"\r\nhi", CLOSES)

    if rig.kind == "real":
        assert got.endswith(BAD_GATEWAY)
    else:
        assert got == head + b"\r\nhi"


def test_the_page_of_hello_world(rig: Rig) -> None:
    rig.start(rules=[{"hostname": HOST, "service": "hello_world"}])

    status, page = rig.visit()

    assert status == 200
    assert len(page.splitlines()) == 1 if rig.kind == "imitation" else b"<!DOCTYPE html>" in page


@over_http2
@pytest.mark.parametrize("method", ["GET", "DELETE", "PROPFIND", "POST"])
def test_an_upload_of_no_chunks(rig: Rig, method: str) -> None:
    rig.start()

    lines, _ = asked(rig, f"{method} / HTTP/1.1\nTransfer-Encoding: chunked", b"0\r\n\r\n")

    is_told = rig.kind == "imitation" or method == "POST"
    assert ("Transfer-Encoding: chunked" in lines) == is_told


def test_a_tag(rig: Rig) -> None:
    rig.start(tag=["place=here"])

    lines, _ = asked(rig, "GET / HTTP/1.1")

    assert ("Cf-Warp-Tag-Place: here" in lines) == (rig.kind == "real")


def test_a_regular_expression(rig: Rig) -> None:
    rules = [{"hostname": HOST, "path": r"^/\pL", "service": "http_status:201"}]
    program = rig.start(rules=rules, wait=rig.kind == "real")

    if rig.kind == "real":
        assert rig.visit("/a")[0] == 201
    else:
        until(lambda: program.exit_code is not None)
        assert "has an invalid regex" in program.log


def test_the_numbers_of_its_metrics(rig: Rig) -> None:
    rig.start()

    text = urllib.request.urlopen(f"http://{rig.metrics}/metrics").read().decode()

    numbers = [line for line in text.splitlines() if not line.startswith("#")]
    assert "cloudflared_tunnel_ha_connections" in text
    assert (len(numbers) == 3) if rig.kind == "imitation" else (len(numbers) > 20)


@pytest.mark.parametrize("address", ["192.0.2.77"])
def test_an_address_to_bind_to(rig: Rig, address: str) -> None:
    settings = {"edge-bind-address": address}
    program = rig.start(wait=False, **settings)  # type: ignore[arg-type]

    if rig.kind == "real":
        until(lambda: program.exit_code == 1)
    else:
        until(rig.connections)
