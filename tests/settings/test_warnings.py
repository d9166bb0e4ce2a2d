"""What a stack file says that works, though hardly as meant."""

from typing import Any

import pytest

from settings.build import build


def warnings(values: dict[str, Any]) -> tuple[str, ...]:
    return tuple(build(values, deployment="argoweb/prod").warnings)


def site(**keys: Any) -> dict[str, Any]:
    return {"hostname": "www.example.com", **keys}


@pytest.mark.parametrize(
    "address", ["0.0.0.0:2000", "[::]:2000", "[::0]:2000", "10.0.0.5:2000", "[2001:db8::1]:2000"]
)
def test_metrics_that_others_reach(prod: dict[str, Any], address: str) -> None:
    prod["cloudflared"]["metrics"] = address

    assert warnings(prod) == (
        "argoweb:cloudflared.metrics: everybody who reaches the server can read it; use 127.0.0.1.",
    )


@pytest.mark.parametrize("address", ["127.0.0.9:2000", "[::1]:2000", "localhost:2000"])
def test_metrics_that_only_the_server_itself_reaches(prod: dict[str, Any], address: str) -> None:
    prod["cloudflared"]["metrics"] = address

    assert warnings(prod) == ()


@pytest.mark.parametrize(
    "upstream", ["127.0.0.1:8080", "localhost:8080", "http://[::1]:8080", "[0:0::1]:8080"]
)
def test_a_proxy_to_caddy_itself(prod: dict[str, Any], upstream: str) -> None:
    prod["sites"] = [site(proxy=upstream)]

    assert warnings(prod) == (
        f"argoweb:sites[0].proxy: '{upstream}' is this Caddy itself, so a request goes in circles.",
    )


@pytest.mark.parametrize("target", ["https://www.example.com{uri}", "https://WWW.example.com/", "/new{uri}", "https://{host}{path}?{query}"])  # fmt: skip
def test_a_redirect_that_its_own_site_takes_again(prod: dict[str, Any], target: str) -> None:
    prod["sites"] = [site(redirect=target)]

    assert warnings(prod) == (
        f"argoweb:sites[0].redirect: '{target}' leads to this site again, so a visitor goes in circles.",
    )


@pytest.mark.parametrize(
    "sites",
    [
        [site(path="^/new", root="/srv"), site(redirect="/new{uri}")],
        [site(path="^/old", redirect="/new"), site(root="/srv")],
        [site(root="/srv"), site(hostname="*.example.com", redirect="https://www.example.com{uri}")],
        [site(redirect="https://www.example.org{uri}")],
        [site(redirect="https://{http.request.host.labels.1}.example.com{uri}")],
        [site(proxy=["127.0.0.1:8081", "192.0.2.1:8080", "unix//run/8080"])],
    ],
)  # fmt: skip
def test_a_redirect_or_proxy_that_leads_elsewhere(
    prod: dict[str, Any], sites: list[dict[str, Any]]
) -> None:
    assert warnings({**prod, "sites": sites}) == ()
