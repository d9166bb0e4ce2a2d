"""A question of `init` in a terminal: what does not answer it is said, and it is asked again."""

import os
import pty
import select
import subprocess
import sys
import time

from tests.conftest import ROOT
from tests.existing.conftest import TOKEN, cloudflare
from tests.told.desk import Desk
from tests.told.test_faults import desk

__all__ = ["cloudflare", "desk"]

SAYS = [
    (b"Zones:", b"\r"),
    (b"Mark at least one by the space key", b" \r"),
    (b"Name of the server", b"\x03"),
]
"""What is waited for, and what is typed then: at last Ctrl-C."""


def test_enter_without_a_zone_says_what_to_do_and_asks_again(desk: Desk) -> None:
    desk.config = {"cloudflare:baseUrl": desk.cloudflare.api_url}
    desk.ready()
    main, side = pty.openpty()
    surroundings = {
        **os.environ,
        "CLOUDFLARE_API_TOKEN": TOKEN,
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm",
    }
    words = [sys.executable, "-m", "argoweb", "init", "--account", "a" * 32]
    text, seen, said = b"", 0, list(SAYS)
    with subprocess.Popen(words, env=surroundings, stdin=side, stdout=side, stderr=side) as process:
        os.close(side)
        deadline = time.monotonic() + 60
        while said and time.monotonic() < deadline:
            if said[0][0] in text[seen:]:
                seen = len(text)
                os.write(main, said.pop(0)[1])
            elif select.select([main], [], [], 0.2)[0]:
                text += os.read(main, 65536)
        code = process.wait(30)
    os.close(main)

    assert (said, code) == ([], 130), text
