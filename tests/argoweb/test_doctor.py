"""What the first deployment needs: each thing that can be missing is named by its code."""

import asyncio
import contextlib
import datetime
import socket
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from argoweb.cloud import look_at_cloudflare
from argoweb.doctor import servers
from argoweb.doctor.servers import judge_report, list_edge_addresses, try_servers
from argoweb.doctor.token import try_cloudflare
from argoweb.programs import DOCTOR_PARTS, read_source
from argoweb.stack import Stack
from existing import api
from existing.permissions import ACCESS, SERVICE_TOKENS
from settings import Access
from tests.argoweb.conftest import Door, as_root, stack
from tests.argoweb.shells import shellcheck
from tests.existing.conftest import ACCOUNT, OTHER_ACCOUNT, Cloudflare
from tests.ports import free_port
from values.findings import Finding, Severity

READING = "R" * 40
SOON = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)).isoformat()


def bad(lines: list[Finding]) -> set[tuple[str, str]]:
    return {(line.code, line.place) for line in lines if line.severity is not Severity.OK}


def token(cloudflare: Cloudflare, value: str, **more: Any) -> None:
    cloudflare.control("/seed", {"tokens": [{"value": value, **more}]})


def tried(cloudflare: Cloudflare, value: str | None = None, **more: Any) -> list[Finding]:
    found = stack(cloudflare, **more)
    if value is None:
        return try_cloudflare(found)
    headers = {"Authorization": f"Bearer {value}"}
    used = Access(url=cloudflare.api_url, headers=headers)
    return try_cloudflare(type(found)(**{**vars(found), "access": used}))


def test_a_good_token_is_good_and_nothing_was_changed(cloudflare: Cloudflare) -> None:
    before = cloudflare.control("/dump")

    lines = tried(cloudflare)

    assert bad(lines) == set()
    assert {line.code for line in lines} == {"token-invalid", "token-permission", "token-wide", "zone-inactive"}  # fmt: skip
    assert cloudflare.control("/dump") == before
    assert cloudflare.control("/violations") == []


def test_a_token_that_may_only_read_is_told_for_the_account_and_each_zone(
    cloudflare: Cloudflare,
) -> None:
    token(cloudflare, READING, permissions=["tunnel:read", "dns:read", "zone:read"])

    lines = [line for line in tried(cloudflare, READING) if line.severity is not Severity.OK]

    assert [line.code for line in lines] == ["token-permission"] * 3
    assert "may read the tunnels" in lines[0].text
    assert "needs Zone · DNS · Edit" in lines[1].text


def test_a_token_for_a_stack_with_alerts_needs_one_permission_more(cloudflare: Cloudflare) -> None:
    editing = [f"{what}:edit" for what in ("tunnel", "dns", "zone")]
    token(cloudflare, READING, permissions=editing)
    alerts = {"email": "ops@example.com"}

    lines = [
        line
        for line in tried(cloudflare, READING, alerts=alerts)
        if line.severity is not Severity.OK
    ]

    assert [line.code for line in lines] == ["token-permission"]
    assert "Account · Notifications · Edit" in lines[0].text
    assert [line for line in tried(cloudflare, alerts=alerts) if "notifications" in line.text]


def test_a_token_for_a_stack_with_access_needs_one_permission_more_and_another_for_service_tokens(
    cloudflare: Cloudflare,
) -> None:
    editing = ["tunnel:edit", "dns:edit", "zone:read", "access:read", "access_tokens:read"]
    token(cloudflare, READING, permissions=editing)
    groups = {"staff": {"everyone": True}, "ci": {"serviceTokens": "deploy"}}
    said = []
    for group in groups:
        site = {"hostname": "www.example.com", "root": "/srv/www", "access": group}
        more = {"access": {"team": "example", "groups": groups}, "sites": [site]}
        lines = tried(cloudflare, READING, **more)
        said.append([line.text for line in lines if line.severity is not Severity.OK])

    assert said == [
        [f"it may read the Access applications, and not change them: it needs {ACCESS}"],
        [
            f"it may read the Access applications, and not change them: it needs {ACCESS}",
            f"it may read the service tokens, and not change them: it needs {SERVICE_TOKENS}",
        ],
    ]


def test_a_token_without_permissions_is_told_each_one_that_it_lacks(cloudflare: Cloudflare) -> None:
    lines = tried(cloudflare, "N" * 40)

    assert bad(lines) == {
        ("token-permission", "token"),
        ("zone-unreadable", "example.com"),
        ("zone-unreadable", "example.org"),
    }


def test_an_unknown_token_is_invalid(cloudflare: Cloudflare) -> None:
    found = tried(cloudflare, "U" * 40)

    assert [line.code for line in found] == ["token-invalid"]
    assert "U" * 40 not in "".join(map(str, found))


def test_a_token_for_other_addresses_is_told_so(cloudflare: Cloudflare) -> None:
    token(cloudflare, "A" * 40, addresses=["192.0.2.7"])

    (line,) = tried(cloudflare, "A" * 40)

    assert "Client IP Address Filtering" in line.text


def test_a_token_of_the_account_is_as_good_as_a_users(cloudflare: Cloudflare) -> None:
    token(cloudflare, "B" * 40, account=ACCOUNT)

    assert bad(tried(cloudflare, "B" * 40)) == set()


def test_a_token_that_ends_soon_is_told(cloudflare: Cloudflare) -> None:
    token(cloudflare, "E" * 40, expires_on=SOON)

    assert bad(tried(cloudflare, "E" * 40)) == {("token-expires", "token")}


def test_a_token_that_ends_in_more_than_two_weeks_is_good(cloudflare: Cloudflare) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    for hours, told in ((14 * 24 + 1, False), (14 * 24 - 1, True)):
        ends = (now + datetime.timedelta(hours=hours)).isoformat()
        token(cloudflare, "E" * 40, expires_on=ends)

        assert bool(bad(tried(cloudflare, "E" * 40))) is told


def test_a_token_for_more_zones_than_the_stacks_is_noted(cloudflare: Cloudflare) -> None:
    zone = {"id": "d" * 32, "name": "example.net", "account_id": OTHER_ACCOUNT}
    cloudflare.control("/seed", {"zones": [zone]})

    (line,) = [line for line in tried(cloudflare) if line.severity is not Severity.OK]

    assert (line.code, line.text) == ("token-wide", "it also reaches 1 other zone: example.net")


def test_a_zone_that_is_not_active_yet_is_told_with_its_name_servers(
    cloudflare: Cloudflare,
) -> None:
    zone = {"id": "d" * 32, "name": "example.net", "account_id": ACCOUNT, "status": "pending"}
    cloudflare.control("/seed", {"zones": [zone]})

    lines = tried(cloudflare, zones=[{"name": n} for n in ("example.com", "example.org", "example.net")])  # fmt: skip

    (line,) = [line for line in lines if line.severity is not Severity.OK]
    assert (line.code, line.place) == ("zone-inactive", "example.net")
    assert "is pending; its name servers at Cloudflare are ada.ns.cloudflare.com" in line.text


@pytest.mark.parametrize("look", [try_cloudflare, look_at_cloudflare])
def test_who_waits_hears_of_an_api_that_does_not_answer_in_some_15_seconds(
    cloudflare: Cloudflare, look: Callable[[Stack], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = Counter[str]()

    def hang(request: urllib.request.Request, timeout: float) -> None:
        waited[request.full_url.partition("/tokens/")[2] or request.full_url] += int(timeout)
        raise TimeoutError("timed out")

    monkeypatch.setattr(urllib.request, "urlopen", hang)
    monkeypatch.setattr(api, "_PAUSE", 0)

    look(stack(cloudflare))

    assert 0 < max(waited.values()) <= 15


def test_who_waits_does_not_wait_for_an_api_that_wants_to_be_asked_later(
    cloudflare: Cloudflare, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    cloudflare.control("/faults", {"code": 971, "times": None, "headers": {"Retry-After": "20"}})

    seen = look_at_cloudflare(stack(cloudflare))

    assert {line.code for line in seen.lines} >= {"cloudflare-unreadable"}
    assert waits == []


def test_a_zone_that_the_account_does_not_have_is_told(cloudflare: Cloudflare) -> None:
    zones = [{"name": name} for name in ("example.com", "example.org", "example.edu")]

    assert bad(tried(cloudflare, zones=zones)) == {("zone-unreadable", "example.edu")}


# What remote/doctor.sh prints of a server that has all of it.
WELL = {
    "clock": "1000.5",
    "tcp": "region1:7844\tyes",
    "udp": "region1:7844\tyes",
    "nixos": "26.05.1\t/run/current-system/sw/bin/nixos-rebuild",
    "module": "",
    "flake": "no",
    "import": "/etc/nixos\t/etc/nixos/configuration.nix",
    "disk": "/nix/store\t9000000\t9%",
    "memory": "4000000",
    "buffers": "212992\t212992",
}
FAULTS: dict[str, tuple[dict[str, str], str]] = {
    "no NixOS": ({"nixos": "\t"}, "nixos-missing"),
    "no nixos-rebuild": ({"nixos": "26.05\t"}, "nixos-missing"),
    "an old NixOS": ({"nixos": "23.05.1\t/x"}, "nixos-old"),
    "no import": ({"import": "/etc/nixos\t"}, "import-line"),
    "a full disk": ({"disk": "/nix/store\t20000\t9%"}, "disk-low"),
    "a disk without inodes": ({"disk": "/nix/store\t9000000\t100%"}, "disk-low"),
    "a full boot partition": ({"disk": "/boot\t2000\t-"}, "disk-low"),
    "little memory": ({"memory": "200000"}, "memory-low"),
    "a clock that is behind": ({"clock": "900.0"}, "clock-off"),
    "a clock that is ahead": ({"clock": "1100.0"}, "clock-off"),
    "no TCP outwards": ({"tcp": "region1:7844\tConnection refused"}, "edge-tcp"),
    "no UDP outwards": ({"udp": "region1:7844\tno answer within 5 s"}, "edge-udp"),
    "small buffers in spite of the module": ({"module": "a b"}, "udp-buffers"),
    "a port is taken": ({"listener": "8080\tnginx\t77\tnginx.service"}, "port-taken"),
    "an old Caddy": ({"caddy": "caddy.service\tactive\tCaddy 2.7.0 is too old"}, "caddy-old"),
    "another stack's server": ({"owner": "argoweb/other/web1 root@192.0.2.1:22 0a1b2c3d"}, "server-of-another"),
    "a second cloudflared": ({"cloudflared": "77\tcloudflared.service\t"}, "cloudflared-other"),
    "a faulty cloudflared": (
        {"cloudflared": "77\targoWeb.service\tcloudflared 2026.8.0 changes the path"},
        "cloudflared-bad",
    ),
}  # fmt: skip


def codes(rows: dict[str, str], **more: Any) -> list[str]:
    settings = stack(**more).settings
    text = "".join(f"{kind}\t{fields}\n" for kind, fields in {**WELL, **rows}.items())
    lines = judge_report(settings, settings.servers[0], text, (1000.0, 1001.0))
    return [line.code for line in lines if line.severity is not Severity.OK]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_server_lacks_is_named(fault: str) -> None:
    rows, code = FAULTS[fault]

    assert codes(rows) == [code]


@pytest.mark.parametrize(
    ("enough", "too_little", "code"),
    [
        ({"clock": "970.0"}, {"clock": "969.9"}, "clock-off"),
        ({"clock": "1031.0"}, {"clock": "1031.1"}, "clock-off"),
        ({"nixos": "24.11.1\t/x"}, {"nixos": "24.05.1\t/x"}, "nixos-old"),
        ({"disk": "/nix/store\t3000000\t99%"}, {"disk": "/nix/store\t2999999\t99%"}, "disk-low"),
        ({"disk": "/nix/store\t3000000\t99%"}, {"disk": "/nix/store\t3000000\t100%"}, "disk-low"),
        ({"disk": "/boot\t50000\t-"}, {"disk": "/boot\t49999\t-"}, "disk-low"),
        ({"disk": "/var\t200000\t9%"}, {"disk": "/var\t199999\t9%"}, "disk-low"),
        ({"disk": "/tmp\t100000\t9%"}, {"disk": "/tmp\t99999\t9%"}, "disk-low"),
        ({"memory": "1000000"}, {"memory": "999999"}, "memory-low"),
        (
            {"module": "a", "buffers": "7500000\t7500000"},
            {"module": "a", "buffers": "7500000\t7499999"},
            "udp-buffers",
        ),
        (
            {"udp": "a:1\tno answer\nudp\tb:1\tyes"},
            {"udp": "a:1\tno answer\nudp\tb:1\tno"},
            "edge-udp",
        ),
    ],
)
def test_what_is_just_enough_is_no_fault(
    enough: dict[str, str], too_little: dict[str, str], code: str
) -> None:
    assert (codes(enough), codes(too_little)) == ([], [code])


def test_a_server_that_has_all_of_it_lacks_nothing() -> None:
    owner = "argoweb/prod/web1 root@192.0.2.1:22 0a1b2c3d"
    ours = {
        "owner": owner,
        "listener": "8080\tcaddy\t77\tcaddy.service",
        "cloudflared": "78\targoWeb-2.service\t",
    }

    assert codes({**ours, "module": "a b", "import": "/etc/nixos\t", "buffers": "7500000\t7500000"}) == []  # fmt: skip


def test_only_the_protocol_that_is_used_has_to_get_through() -> None:
    closed = {"tcp": "region1:7844\tno", "udp": "region1:7844\tno"}

    assert codes(closed, cloudflared={"protocol": "quic"}) == ["edge-udp"]
    assert codes(closed, cloudflared={"protocol": "http2"}) == ["edge-tcp"]


def test_a_region_has_addresses_of_its_own() -> None:
    assert list_edge_addresses(stack(cloudflared={"region": "us"}).settings) == [
        "us-region1.v2.argotunnel.com:7844",
        "us-region2.v2.argotunnel.com:7844",
    ]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which these tests listen."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


async def _quic() -> tuple[Any, Any, int]:
    """A server that speaks QUIC, one that speaks TCP, and the port of both."""
    aioquic = pytest.importorskip("aioquic.asyncio")
    configuration = pytest.importorskip("aioquic.quic.configuration").QuicConfiguration
    for _ in range(20):
        listener = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        with contextlib.suppress(OSError):  # somebody has it by UDP
            quic = configuration(is_client=False)
            return await aioquic.serve("127.0.0.1", port, configuration=quic), listener, port
        listener.close()
    raise AssertionError("no port is free by TCP and by UDP")


def on_this_machine(
    door: Door, monkeypatch: pytest.MonkeyPatch, listens: bool, **more: Any
) -> dict[str, Finding]:
    async def ask() -> list[Finding]:
        server, listener, quic = await _quic()
        port = quic if listens else free_port()
        monkeypatch.setattr(servers, "list_edge_addresses", lambda settings: [f"127.0.0.1:{port}"])
        found = stack(servers={"web1": door.server()}, private_key=door.private_key, **more)
        try:
            return await try_servers(found)
        finally:
            server.close()
            listener.close()

    return {line.code: line for line in asyncio.run(ask())}


@as_root
def test_the_real_program_tells_of_this_machine(
    door: Door, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    lines = on_this_machine(door, monkeypatch, True, caddy={"port": taken})

    assert lines["nixos-missing"].severity is not Severity.OK
    assert lines["edge-tcp"].severity is lines["edge-udp"].severity is Severity.OK
    assert lines["clock-off"].severity is Severity.OK
    assert f"port {taken} is used by python" in lines["port-taken"].text
    assert lines["port-taken"].severity is not Severity.OK


@as_root
def test_the_real_program_tells_what_it_cannot_reach(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = on_this_machine(door, monkeypatch, False)

    assert "by TCP: Connection refused" in lines["edge-tcp"].text
    assert lines["edge-udp"].severity is not Severity.OK


def test_the_doctors_program_is_clean_for_shellcheck() -> None:
    assert shellcheck(f"CADDY=()\n{read_source(DOCTOR_PARTS)}\ndoctor /etc/caddy \n") == ""
