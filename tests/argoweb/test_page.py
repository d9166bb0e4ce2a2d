"""The page: what it is made of, who may read it, and how it looks to a browser."""

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from argoweb.cloud import CloudSeen, Connector
from argoweb.page.document import Data, Server, collect, render_page
from argoweb.page.metrics import Counted, Numbers, compare_samples
from argoweb.report import observe
from argoweb.server import Answer, Cloudflared, ServerSeen, Unit
from argoweb.status.edge import Seen
from argoweb.status.overview import Overview
from tests.argoweb.conftest import stack
from tests.contract.chromium import Chromium, running
from tests.ports import free_port

EVIL = "</script><script>document.title='stolen'</script><img src=x onerror=alert(1)>\u2028&amp;"
BEFORE = """sample\t10.0
from\t127.0.0.1:20251
cloudflared_tunnel_total_requests 100
from\tlocalhost:2019
caddy_http_request_duration_seconds_count{code="200",handler="subroute",host="www.example.com",method="GET",server="srv0"} 10
"""
AFTER = """sample\t14.0
from\t127.0.0.1:20251
cloudflared_tunnel_total_requests 140
from\tlocalhost:2019
caddy_http_request_duration_seconds_bucket{code="200",handler="subroute",host="www.example.com",method="GET",server="srv0",le="0.1"} 20
caddy_http_request_duration_seconds_bucket{code="200",handler="subroute",host="www.example.com",method="GET",server="srv0",le="0.5"} 40
caddy_http_request_duration_seconds_bucket{code="200",handler="subroute",host="www.example.com",method="GET",server="srv0",le="+Inf"} 40
caddy_http_request_duration_seconds_count{code="200",handler="subroute",host="www.example.com",method="GET",server="srv0"} 46
caddy_http_request_duration_seconds_count{code="502",handler="subroute",host="www.example.com",method="GET",server="srv0"} 4
caddy_http_request_duration_seconds_count{code="200",handler="file_server",host="www.example.com",method="GET",server="srv0"} 46
end
"""


def test_numbers_are_what_lies_between_two_samples() -> None:
    found = compare_samples(BEFORE + AFTER)

    assert found is not None
    assert found.requests == 10.0
    numbers = found.sites["www.example.com"]
    assert (numbers.requests, numbers.errors) == (10.0, 1.0)
    assert numbers.slow == pytest.approx(0.46)


@pytest.mark.parametrize(
    ("bounds", "slow"),
    [
        ({"0.1": 40, "+Inf": 40}, 0.095),
        ({"0.1": 20, "0.5": 40, "+Inf": 100}, 0.5),
        ({"0.1": 0, "0.5": 0, "+Inf": 0}, None),
        ({}, None),
    ],
)
def test_how_slow_a_site_is_lies_within_the_bounds_that_caddy_counts_by(
    bounds: dict[str, int], slow: float | None
) -> None:
    labels = 'code="200",handler="subroute",host="a.example.com"'
    lines = [
        f'caddy_http_request_duration_seconds_bucket{{{labels},le="{bound}"}} {count}'
        for bound, count in bounds.items()
    ]
    counted = f"caddy_http_request_duration_seconds_count{{{labels}}} 100"

    found = compare_samples("\n".join(["sample\t1,5", "sample\t3.5", *lines, counted]))

    assert found is not None
    assert found.requests is None
    numbers = found.sites["a.example.com"]
    assert (numbers.requests, numbers.slow) == (50.0, slow and pytest.approx(slow))


@pytest.mark.parametrize("text", ["end\n", BEFORE + "end\n", BEFORE + BEFORE + "end\n"])
def test_what_is_no_pair_of_samples_tells_nothing(text: str) -> None:
    assert compare_samples(text) is None


def test_a_counter_that_began_anew_is_never_below_nothing() -> None:
    found = compare_samples(BEFORE + AFTER.replace("requests 140", "requests 4"))

    assert found is not None
    assert found.requests == 0.0


def data(*, evil: str = "", every: float | None = None) -> Data:
    """A stack of two sites and a server, with whatever a name, a journal or a user could hold."""
    values: dict[str, Any] = {
        "metrics": {"sites": True},
        "sites": [
            {"hostname": "www.example.com", "root": "/srv/www"},
            {"hostname": "app.example.com", "proxy": "127.0.0.1:3000"},
        ],
    }
    found = Overview(
        stack=stack(**values),
        cloud=CloudSeen(
            tunnel_id="6b0f",
            tunnel_name=f"web{evil}",
            tunnel_status="healthy",
            connectors=[
                Connector(id="1", version=f"2026.8.2{evil}", since="2026-11-30", locations=["vie01", "vie01", "fra03", "fra03"])
            ],
            records={"www.example.com": "ours", "app.example.com": "ours"},
            lines=[
                observe("file-edited", f"web1{evil}", f"argoWeb.yml differs{evil}", more=[f"-a{evil}", "+b"])
            ],
        ),
        servers=[
            ServerSeen(
                name="web1", address="root@192.0.2.1:22", reached=True, system=f"25.11{evil}", generation="12",
                units=[Unit(name="argoWeb.service", state="active", since=1, restarts=0)],
                cloudflareds=[Cloudflared(unit="argoWeb.service", connections=4, version="2026.8.2", locations=["vie01"])],
                caddy_version="2.11.7", origins={0: Answer(status=200, seconds=0.01), 1: Answer(status=502, seconds=0.02)},
            )
        ],
        edge={
            ("www.example.com", "/"): Seen(status=200, seconds=0.042),
            ("app.example.com", "/"): Seen(status=502, seconds=0.05, code="edge-error", text=f"app{evil}"),
        },
    )  # fmt: skip
    numbers = {
        "web1": Counted(
            sites={"www.example.com": Numbers(requests=12.5, errors=0.0, slow=0.08)}, requests=14.0
        )
    }
    updates: list[Any] = [
        {
            "kind": "update", "result": "succeeded", "endTime": "2026-11-30T10:00:00.000Z", "message": f"a site{evil}",
            "environment": {"git.author": f"Ann{evil}"}, "resourceChanges": {"same": 20, "update": 2},
        },
        {"kind": "update", "result": "failed", "endTime": "2026-11-29T09:00:00.000Z", "message": ""},
    ]  # fmt: skip
    return collect(found, numbers, updates, every=every)


def test_the_page_has_numbers_and_deployments_beside_what_status_has() -> None:
    found = data(every=5.0)

    assert abs(found["at"] - time.time()) < 60
    assert (found["stack"], found["every"], found["rate"]) == ("argoweb/prod", 5.0, 14.0)
    assert {it["hostname"]: it["numbers"] for it in found["sites"]} == {
        "www.example.com": {"requests": 12.5, "errors": 0.0, "slow": 0.08},
        "app.example.com": None,
    }
    first = {
        "kind": "update", "result": "succeeded", "end": "2026-11-30T10:00:00.000Z", "by": "Ann",
        "message": "a site", "changes": {"same": 20, "update": 2},
    }  # fmt: skip
    second: dict[str, Any] = {"kind": "update", "result": "failed", "end": "2026-11-29T09:00:00.000Z", "by": None, "message": "", "changes": {}}  # fmt: skip
    assert found["updates"] == [first, second]


def test_whatever_names_and_journals_hold_the_file_has_one_script_of_its_own() -> None:
    text = render_page(data(evil=EVIL))

    assert EVIL not in text
    assert len(re.findall("<script", text)) == 2
    assert "onerror" not in text.replace(json.dumps(EVIL)[1:-1], "") or "<img" not in text
    assert "unsafe" not in text
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', text)
    assert embedded is not None
    assert json.loads(embedded[1])["tunnel"]["name"] == f"web{EVIL}"
    assert not re.findall(r'(?:src|href)="(?!#|data:,)', text), "it needs no other file"


def test_no_secret_of_the_stack_is_in_it() -> None:
    text = render_page(data())

    assert "PRIVATE KEY" not in text
    assert "apiToken" not in text
    assert "Bearer" not in text


@pytest.fixture
def server() -> Iterator[Server]:
    asked: list[float] = []

    def ask() -> Data:
        asked.append(time.time())
        return data(evil=EVIL, every=0.2)

    server = Server(0, ask, every=0.2)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def got(
    server: Server, path: str, host: str | None = None, method: str = "GET"
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.request(method, path, headers={} if host is None else {"Host": host})
    return connection.getresponse()


def test_it_is_served_at_the_loopback_to_who_calls_it_so(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    answer = got(server, "/")
    assert answer.status == 200
    length = len(answer.read())
    assert {name: value for name, value in answer.getheaders() if name != "Date"} == {
        "Server": "argoweb ",
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": str(length),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    again = got(server, "/data", f"localhost:{server.server_port}")
    assert (again.status, again.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert json.loads(again.read())["stack"] == "argoweb/prod"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "localhost:1", "", "127.0.0.1.evil.example:8300"]
)
@pytest.mark.parametrize("path", ["/", "/data"])
def test_another_name_that_leads_to_this_machine_reads_nothing(
    server: Server, host: str, path: str
) -> None:
    answer = got(server, path, host)

    assert answer.status == 421
    assert b"example.com" not in answer.read()


@pytest.mark.parametrize("path", ["/etc/passwd", "/../", "/page.html", "/data?x=1"])
def test_there_is_no_other_page(server: Server, path: str) -> None:
    assert got(server, path).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_sent_to_it(server: Server, method: str) -> None:
    assert got(server, "/", method=method).status == 501


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with running() as browser:
        yield browser


long = pytest.mark.long


@long
def test_a_browser_draws_every_part_and_runs_nothing_of_what_it_shows(
    browser: Chromium, server: Server
) -> None:
    browser.visit(f"http://127.0.0.1:{server.server_port}/")

    assert browser.page == "✗ a/b" or browser.page.startswith("✗ ")
    text = browser.text
    for part in (
        "THE PATH OF A REQUEST",
        "WHAT IS NOT WELL",
        "SITES",
        "CONNECTIONS BY DATA CENTRE",
        "DEPLOYMENTS",
    ):
        assert part in text.upper()
    for said in (
        "www.example.com",
        "12",
        "80 ms",
        "502",
        "vie01",
        "fra03",
        "update succeeded",
        "NixOS 25.11",
        "Caddy 2.11.7",
        "Ann",
    ):
        assert said in text, said
    assert "onerror=alert(1)" in text, "it is shown as it is"
    assert browser.count("img, #lines script, #time script") == 0
    assert browser.errors() == []


@long
def test_it_looks_again_by_itself_and_says_when_there_is_no_news(
    browser: Chromium, server: Server
) -> None:
    browser.visit(f"http://127.0.0.1:{server.server_port}/")
    browser.until("return document.querySelectorAll('#sites polyline').length > 0")

    server.shutdown()
    server.server_close()

    browser.until("return document.getElementById('state').textContent.startsWith('? No news')")


@long
def test_the_file_alone_is_drawn_too(browser: Chromium, tmp_path: Any) -> None:
    file = tmp_path / "page.html"
    file.write_text(render_page(data(evil=EVIL)))

    browser.visit(f"file://{file}")

    assert "www.example.com" in browser.text
    assert browser.errors() == []


@long
@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("look", ["light", "dark"])
def test_it_fits_a_phone_and_is_readable_in_light_and_dark(
    browser: Chromium, tmp_path: Any, width: int, look: str
) -> None:
    file = tmp_path / "page.html"
    file.write_text(render_page(data()))
    browser.look(width, look)
    browser.visit(f"file://{file}")

    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.run(CONTRAST) == []


@long
def test_it_is_walked_through_by_keyboard_and_read_by_roles(
    browser: Chromium, tmp_path: Any
) -> None:
    file = tmp_path / "page.html"
    file.write_text(render_page(data()))
    browser.look(1280, "light")
    browser.visit(f"file://{file}")

    focused = browser.tabs(4)

    assert focused[0] == "To the path of a request"
    assert "Dark" in focused
    assert browser.run(
        "return [...document.querySelectorAll('section')].every(s => document.getElementById(s.getAttribute('aria-labelledby')))"
    )
    assert browser.run("return [...document.querySelectorAll('th')].every(th => th.scope)")
    assert browser.run("return document.querySelectorAll('h1').length") == 1
    assert browser.run("return document.getElementById('state').getAttribute('role')") == "status"
    assert browser.run(
        "return [...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-hidden') === 'true')"
    )
    browser.run("document.getElementById('look').click()")
    assert browser.run("return document.documentElement.className") == "dark"


CONTRAST = """
const channel = (v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number); return .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b); };
const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c) && c !== 'transparent') return c; } return 'rgb(255,255,255)'; };
const bad = [];
for (const e of document.querySelectorAll('body *')) {
  if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || e.closest('script,style,.skip,noscript') || !e.getClientRects().length) continue;
  const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
  const ratio = (a + .05) / (b + .05);
  if (ratio < 4.5) bad.push(e.textContent.slice(0, 30) + ' ' + ratio.toFixed(2));
}
return bad;
"""


def test_a_port_that_is_taken_is_no_traceback() -> None:
    port = free_port()
    first = Server(port, data, every=5)
    try:
        with pytest.raises(OSError, match="in use"):
            Server(port, data, every=5)
    finally:
        first.server_close()
