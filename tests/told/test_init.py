"""A question of `init` in a terminal: what does not answer it is said, and it is asked again."""

import os
import sys

from tests.argoweb.terminal import converse
from tests.conftest import ROOT
from tests.existing.conftest import TOKEN, cloudflare
from tests.told.desk import Desk
from tests.told.test_faults import desk

__all__ = ["cloudflare", "desk"]


def test_enter_without_a_zone_says_what_to_do_and_asks_again(desk: Desk) -> None:
    desk.config = {"cloudflare:baseUrl": desk.cloudflare.api_url}
    desk.ready()

    code, _ = converse(
        [sys.executable, "-m", "argoweb", "init", "--account", "a" * 32],
        [
            ("Zones:", "\r"),
            ("Mark at least one by the space key", " \r"),
            ("Name of the server", "\x03"),
        ],
        {**os.environ, "CLOUDFLARE_API_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)},
    )

    assert code == 130, "Ctrl-C ends it"
