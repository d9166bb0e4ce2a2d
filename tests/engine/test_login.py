"""The example's site that is not for everybody, with a real browser, through all that was deployed."""

from collections.abc import Iterator

import pytest

from sandbox.world import World
from tests.contract.chromium import Chromium, running

pytestmark = pytest.mark.long

HOST = "members.example.localhost"
LOGIN = f"Log in to {HOST}"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """What `make sandbox` deploys."""
    world = World(tmp_path_factory.mktemp("example"))
    try:
        world.start(protected=True)
        yield world
    finally:
        world.stop()


@pytest.fixture(scope="module")
def tour(example: World) -> str:
    """What it says in the end."""
    return example.sandbox("demo").stdout


@pytest.fixture
def browser() -> Iterator[Chromium]:
    with running() as browser:
        yield browser


@pytest.fixture
def site(example: World, tour: str) -> str:
    """The URL that the tour shows."""
    (line,) = [line for line in tour.splitlines() if f"//{HOST}:" in line]
    url, code, words = line.split(maxsplit=2)
    assert (code, words) == ("302", "(asks who you are)")
    assert "any e-mail address at example.org" in tour
    return url


def test_a_member_gets_in_and_out(browser: Chromium, site: str) -> None:
    assert browser.visit(site) == LOGIN
    shown = browser.log_in("ann@example.org")

    assert browser.url == site
    assert shown.startswith("this is app\n")
    assert "\nCf-Access-Authenticated-User-Email: ann@example.org\n" in shown
    assert browser.visit(f"{site}cdn-cgi/access/logout") == "You have logged out"
    assert browser.visit(site) == LOGIN


def test_somebody_else_is_refused(browser: Chromium, site: str) -> None:
    browser.visit(site)

    assert browser.log_in("eve@example.com") == "Forbidden"
    assert browser.visit(site) == "Forbidden"


def test_without_its_application_the_server_refuses_everybody(example: World, site: str) -> None:
    account = example.api("GET", "/accounts")[0]["id"]
    apps = f"/accounts/{account}/access/apps"
    (app,) = example.api("GET", apps)

    example.api("DELETE", f"{apps}/{app['id']}")

    assert example.get(HOST)[0] == 403
    example.pulumi("refresh", "--yes")
    example.up()
    (again,) = example.api("GET", apps)
    assert again["aud"] != app["aud"]
    example.pulumi("destroy", "--yes")
    for kind in ("apps", "policies"):
        assert example.api("GET", f"/accounts/{account}/access/{kind}") == []
