"""Logging in with a real browser: through the edge, which asks who it is, and cloudflared, which checks that it did."""

from collections.abc import Iterator

import pytest

from tests.contract.chromium import Chromium, running
from tests.contract.rig import ACCOUNT, HOST, Rig

pytestmark = pytest.mark.long

TEAM_HOST = "team.cloudflareaccess.localhost"
LOGIN = "Log in to wiki"


@pytest.fixture
def browser() -> Iterator[Chromium]:
    with running() as browser:
        yield browser


@pytest.fixture
def site(rig: Rig) -> str:
    """The URL of a site that Ann may see, and people of example.org; its origin asks for the edge's token."""
    rig.control("POST", "/seed", {"organizations": [{"account_id": ACCOUNT, "team": "team"}]})
    access = f"/accounts/{ACCOUNT}/access"
    include = [
        {"email": {"email": "ann@example.com"}},
        {"email_domain": {"domain": "example.org"}},
    ]
    staff = {"name": "staff", "decision": "allow", "include": include}
    policy = rig.api("POST", f"{access}/policies", staff)["id"]
    app = rig.api(
        "POST",
        f"{access}/apps",
        {"name": "wiki", "type": "self_hosted", "domain": HOST, "policies": [policy]},
    )
    rig.start(
        rules=[
            {
                "hostname": HOST,
                "service": f"http://127.0.0.1:{rig.service.port}",
                "originRequest": {
                    "access": {"required": True, "teamName": "team", "audTag": [app["aud"]]}
                },
            }
        ]
    )
    return f"http://{HOST}:{rig.addresses['edge_url'].rpartition(':')[2]}/page?q=1"


def test_an_unknown_visitor_sees_the_login_page(browser: Chromium, site: str, rig: Rig) -> None:
    assert browser.visit(site) == LOGIN
    assert f"//{TEAM_HOST}:" in browser.url
    assert rig.service.received == []


def test_a_member_gets_in_and_out(browser: Chromium, site: str, rig: Rig) -> None:
    browser.visit(site)

    assert browser.log_in("ann@example.com") == "hi"
    assert browser.url == site
    lines = [line for head in rig.service.heads for line in head]
    assert "Cf-Access-Authenticated-User-Email: ann@example.com" in lines
    cookie = browser.cookie("CF_Authorization")
    assert (cookie["httpOnly"], cookie["secure"]) == (True, True)
    assert browser.visit(site) == "hi"
    logout = site.replace("/page?q=1", "/cdn-cgi/access/logout")
    assert browser.visit(logout) == "You have logged out"
    assert browser.visit(site) == LOGIN


def test_somebody_else_is_refused(browser: Chromium, site: str, rig: Rig) -> None:
    browser.visit(site)

    assert browser.log_in("eve@example.com") == "Forbidden"
    assert browser.visit(site) == "Forbidden"
    assert rig.service.received == []
