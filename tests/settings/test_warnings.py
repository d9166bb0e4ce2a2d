"""What a stack file says that works, though hardly as meant."""

import datetime
import subprocess
from pathlib import Path
from typing import Any

import pytest

from settings.reading.build import build

ROOT = Path(__file__).resolve().parents[2]


def warnings(values: dict[str, Any]) -> tuple[str, ...]:
    return tuple(map(str, build(values, deployment="argoweb/prod").warnings))


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


@pytest.mark.parametrize("address", ["0.0.0.0:9180", "[::]:9180", "203.0.114.9:9180"])
def test_metrics_for_a_prometheus_that_everybody_reads(prod: dict[str, Any], address: str) -> None:
    prod["metrics"] = {"address": address}

    (said,) = warnings(prod)

    assert said.startswith("argoweb:metrics.address: is open to everybody who reaches the server")


def test_metrics_of_one_server_that_everybody_reads(prod: dict[str, Any]) -> None:
    prod["metrics"] = {"address": "10.0.0.5:9180"}
    prod["servers"]["web1"]["metricsAddress"] = "0.0.0.0:9180"

    (said,) = warnings(prod)

    assert said.startswith("argoweb:servers.web1.metricsAddress: is open to everybody")


@pytest.mark.parametrize(
    "address", ["127.0.0.1:9180", "10.0.0.5:9180", "100.64.0.7:9180", "[fd00::1]:9180"]
)
def test_metrics_for_a_prometheus_in_a_private_network(prod: dict[str, Any], address: str) -> None:
    prod["metrics"] = {"address": address}

    assert warnings(prod) == ()


@pytest.mark.parametrize(
    "upstream", ["127.0.0.1:8080", "localhost:8080", "http://[::1]:8080", "[0:0::1]:8080"]
)
def test_a_proxy_to_caddy_itself(prod: dict[str, Any], upstream: str) -> None:
    prod["sites"] = [site(proxy=upstream)]

    assert warnings(prod) == (
        f"argoweb:sites[0].proxy: '{upstream}' is this Caddy itself, so a request goes in circles.",
    )


@pytest.mark.parametrize("target", ["https://www.example.com{uri}", "https://WWW.example.com/", "/new{uri}", "https://{host}{uri}?{query}"])  # fmt: skip
def test_a_redirect_that_its_own_site_takes_again(prod: dict[str, Any], target: str) -> None:
    prod["sites"] = [site(redirect=target)]

    assert warnings(prod) == (
        f"argoweb:sites[0].redirect: '{target}' leads to this site again, so a visitor goes in circles.",
    )


@pytest.mark.parametrize("target", ["https://www.example.com{uri}", "https://{host}{uri}?{query}"])
def test_a_redirect_that_sends_each_path_of_its_site_to_itself(
    prod: dict[str, Any], target: str
) -> None:
    prod["sites"] = [site(path="^/blog", redirect=target), site(root="/srv")]

    assert warnings(prod) == (
        f"argoweb:sites[0].redirect: '{target}' leads to this site again, so a visitor goes in circles.",
    )


def test_two_redirects_of_every_hostname_that_lead_to_one_another(prod: dict[str, Any]) -> None:
    prod["sites"] = [
        site(hostname="*", path="^/a", redirect="/b"),
        site(hostname="*", path="^/b", redirect="/a"),
    ]

    assert [it.partition(" leads")[0] for it in warnings(prod)] == [
        "argoweb:sites[0].redirect: '/b'",
        "argoweb:sites[1].redirect: '/a'",
    ]


@pytest.mark.parametrize(
    "sites",
    [
        [site(path="^/blog", redirect="https://www.example.com/new{uri}"), site(root="/srv")],
        [site(path="^/new", root="/srv"), site(redirect="/new{uri}")],
        [site(path="^/old", redirect="/new"), site(root="/srv")],
        [site(root="/srv"), site(hostname="*.example.com", redirect="https://www.example.com{uri}")],
        [site(redirect="https://www.example.org{uri}")],
        [site(redirect="https://{http.request.host.labels.1}.example.com{uri}")],
        [site(proxy=["127.0.0.1:8081", "192.0.2.1:8080", "unix//run/8080"])],
        [site(service="http://192.0.2.1:8080")],
        [site(service="unix:/run/8080")],
        [site(service="http://127.0.0.1:20250")],
        [site(service="http://127.0.0.1:8080", originRequest={"httpHostHeader": "a.example.com"}), site(hostname="a.example.com", root="/srv")],
        [site(service="http://127.0.0.1:8080")],
        [site(redirect="https://www.example.net{uri}"), site(hostname="*", redirect="https://www.example.com{uri}")],
    ],
)  # fmt: skip
def test_a_redirect_a_proxy_or_a_service_that_leads_elsewhere(
    prod: dict[str, Any], sites: list[dict[str, Any]]
) -> None:
    assert warnings({**prod, "sites": sites}) == ()


@pytest.mark.parametrize(
    "service", ["http://127.0.0.1:8080", "http://localhost:8080", "https://[::1]:8080"]
)
def test_a_service_that_is_caddy(prod: dict[str, Any], service: str) -> None:
    prod["sites"] = [site(service=service), site(hostname="a.example.com", root="/srv/a")]

    assert (
        f"argoweb:sites[0].service: '{service}' is this stack's Caddy, which answers 404 for a hostname that it does not "
        "serve. Write `root`, `proxy`, `redirect` or `caddyfile` instead."
    ) in warnings(prod)


@pytest.mark.parametrize("port", [20251, 20252])
def test_a_service_that_is_the_metrics_of_a_cloudflared(prod: dict[str, Any], port: int) -> None:
    prod["sites"] = [site(service=f"http://localhost:{port}")]
    prod["nixos"] = {"instances": 2}

    assert warnings(prod) == (
        f"argoweb:sites[0].service: 'http://localhost:{port}' is cloudflared's own metrics by its address, which every visitor could use. "
        "Leave it inside, or guard it by `originRequest.access` with `required: true`, a team and an audience.",
    )


@pytest.mark.parametrize("way", ["address", "bastion"])
def test_a_way_by_ssh_that_leads_to_cloudflare(prod: dict[str, Any], way: str) -> None:
    server = prod["servers"]["web1"]
    if way == "bastion":
        server["bastion"] = server = {"hostKey": server["hostKey"]}
    server["address"] = "WWW.example.com"
    place = "argoweb:servers.web1." + ("bastion." if way == "bastion" else "") + "address"

    assert warnings(prod) == (
        f"{place}: 'WWW.example.com' is a hostname of the sites, whose record leads to Cloudflare, where no SSH answers. "
        "Give the server's IP address or another name of it.",
    )


@pytest.mark.parametrize("region", ["us", "fed"])
def test_a_region_of_cloudflares(prod: dict[str, Any], region: str) -> None:
    prod["cloudflared"]["region"] = region

    assert warnings(prod) == ()


def test_a_region_that_is_none(prod: dict[str, Any]) -> None:
    prod["cloudflared"]["region"] = "eu"

    assert warnings(prod) == (
        "argoweb:cloudflared.region: cloudflared connects to what it finds as eu-v2-origintunneld, and none but us and fed "
        "are known.",
    )


def test_paths_that_a_unit_does_not_see(prod: dict[str, Any]) -> None:
    prod["sites"] = [
        site(path="^/a", root="/home/alice/www"),
        site(path="^/b", proxy=["unix//tmp/app.sock", "unix//run/app.sock"]),
        site(path="^/c", service="unix+tls:/run/user/1000/app.sock"),
        site(service="https://127.0.0.1:1", originRequest={"caPool": "/root/ca.pem"}),
    ]
    prod["caddy"] = {"tls": {"certificate": "/var/tmp/c.pem", "key": "/etc/k.pem"}}
    prod["cloudflared"] |= {"pidfile": "/run/argoWeb.pid", "logfile": "/var/lib/argoWeb/log"}
    prod["nixos"] = {"instances": 1}

    below = "Move it, to below /srv, /var/lib or /run."
    assert sorted(warnings(prod)) == [
        "argoweb:caddy.tls.certificate: Caddy's unit sees nothing of /var/tmp, so not '/var/tmp/c.pem'. " + below,
        "argoweb:cloudflared.pidfile: cloudflared's unit can write below /var/lib/argoWeb only, so not '/run/argoWeb.pid'. The journal has its log.",
        "argoweb:sites[0].root: Caddy's unit sees nothing of /home, so not '/home/alice/www'. " + below,
        "argoweb:sites[1].proxy: Caddy's unit sees nothing of /tmp, so not '/tmp/app.sock'. " + below,
        "argoweb:sites[2].service: cloudflared's unit sees nothing of /run/user, so not '/run/user/1000/app.sock'. " + below,
        "argoweb:sites[3].originRequest.caPool: cloudflared's unit sees nothing of /root, so not '/root/ca.pem'. " + below,
    ]  # fmt: skip


def test_a_caddy_unit_of_the_users_own_may_see_every_path(prod: dict[str, Any]) -> None:
    prod["sites"] = [site(root="/home/alice/www")]
    prod["caddy"] = {"manage": False}

    assert warnings(prod) == ()


def test_a_caddy_that_cannot_be_reloaded(prod: dict[str, Any]) -> None:
    prod["caddy"] = {"globalOptions": "debug\nadmin off\n", "port": 2019}

    assert warnings(prod) == (
        "argoweb:caddy.globalOptions: with `admin off` Caddy cannot be reloaded: "
        "set services.caddy.enableReload = false on the servers.",
    )


def test_a_grace_period_of_nought_has_no_effect(prod: dict[str, Any]) -> None:
    prod["cloudflared"]["grace-period"] = "0s"

    assert warnings(prod) == (
        "argoweb:cloudflared.grace-period: has no effect: for cloudflared, 0 and false in the file are no value, so it keeps 30s.",
    )


def test_who_decides_on_access_for_all_sites_is_told_the_host_that_is_asked_for(
    prod: dict[str, Any],
) -> None:
    lines = "forward_auth 127.0.0.1:9091 {\n\turi /api/authz/forward-auth\n"
    prod["caddy"] = {"siteOptions": f"encode gzip\n{lines}}}\n"}

    assert warnings(prod) == (
        "argoweb:caddy.siteOptions: line 2: `forward_auth` is asked before argoweb takes X-Forwarded-Host away that a visitor made up. "
        "Write `header_up X-Forwarded-Host {host}` in its block, or put it into the sites' `caddyfile`.",
    )

    prod["caddy"] = {"siteOptions": f"{lines}\theader_up X-Forwarded-Host {{host}}\n}}\n"}

    assert warnings(prod) == ()


RELEASE = {"url": "https://x/y", "hash": "sha256-" + "A" * 43 + "="}
CHANGES = (
    "changes the path that your services get: it decodes it and takes a slash at its end away."
)


@pytest.mark.parametrize(
    ("version", "rev", "where"),
    [
        ("2026.8.0", "2026.8.0", "version: cloudflared 2026.8.0"),
        ("2026.8.1-mirror", "main", "version: cloudflared 2026.8.1"),
        ("mine", "refs/tags/2026.8.1", "rev: cloudflared 2026.8.1"),
        ("2026.8.2", "2026.8.2", None),
        ("2026.8.10", "12026.8.0", None),
    ],
)
def test_a_release_of_cloudflared_that_is_known_to_be_bad(
    prod: dict[str, Any], version: str, rev: str, where: str | None
) -> None:
    prod["package"] = {**RELEASE, "version": version, "rev": rev}

    assert [text.partition(" Take")[0] for text in warnings(prod)] == (
        [f"argoweb:package.{where} {CHANGES}"] if where else []
    )
    said = subprocess.run(
        ["bash", "-c", 'source "$1"; known_fault "$2"', "-", ROOT / "remote/units.sh", version],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (CHANGES in said) is (where is not None and "version" in where)


@pytest.mark.parametrize(
    ("months", "is_old"),
    [(0, False), (11, False), (12, False), (13, True), (40, True), (None, False)],
)
def test_a_cloudflared_of_more_than_a_year_ago_is_old(months: int | None, is_old: bool) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    count = 12 * now.year + now.month - 1 - (months or 0)
    version = "DEV" if months is None else f"{count // 12}.{count % 12 + 1}.0"

    done = subprocess.run(
        ["bash", "-c", 'source "$1"; is_older_than_a_year "$2"', "-", ROOT / "remote/doctor.sh", version],
        check=False,
    )  # fmt: skip

    assert (done.returncode == 0) is is_old
