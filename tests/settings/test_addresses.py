"""Where URLs and connections lead, on the server itself and to it."""

import http.client
from typing import Any

import pytest

from settings.model.addresses import reaches
from settings.reading.build import build


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://127.0.0.1/a", http.client.HTTP_PORT),
        ("ws://127.0.0.1", http.client.HTTP_PORT),
        ("h2c://127.0.0.1", http.client.HTTP_PORT),
        ("https://127.0.0.1", http.client.HTTPS_PORT),
        ("WSS://127.0.0.1/", http.client.HTTPS_PORT),
        ("https://127.0.0.1:8080", 8080),
        ("127.0.0.1:8080", 8080),
    ],
)
def test_a_url_without_a_port_leads_to_its_schemes(url: str, port: int) -> None:
    assert [it for it in range(1, 9000) if reaches(url, ["127.0.0.1"], [it])] == [port]


@pytest.mark.parametrize(
    "url", ["127.0.0.1", "tcp://127.0.0.1", "http://127.0.0.1:x", "http://[::1"]
)
def test_what_has_no_port_leads_nowhere(url: str) -> None:
    assert not reaches(url, ["127.0.0.1", "::1"], range(65536))


def test_a_host_key_is_taken_without_what_ssh_keygen_writes_behind_it(prod: dict[str, Any]) -> None:
    key = prod["servers"]["web1"]["hostKey"]
    prod["servers"]["web1"]["hostKey"] = f"{key}  root@web1 of the second rack"

    (server,) = build(prod, deployment="argoweb/test").servers

    assert server.host_key == key
