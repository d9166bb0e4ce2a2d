"""Somebody at a terminal, who waits for each question before the answer is typed."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def converse(
    words: Sequence[str], answers: Sequence[tuple[str, str]], surroundings: Mapping[str, str]
) -> tuple[int, str]:
    """Runs a program, types each answer once what is before it was shown, and gives the exit code and all that was shown."""
    main, side = pty.openpty()
    variables = {**surroundings, "PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm"}
    shown, seen, waiting = b"", 0, list(answers)
    with subprocess.Popen(words, env=variables, stdin=side, stdout=side, stderr=side) as process:
        os.close(side)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            text = _CONTROL.sub("", shown.decode(errors="replace"))
            if waiting and (found := text.find(waiting[0][0], seen)) >= 0:
                question, answer = waiting.pop(0)
                seen = found + len(question)  # what is shown behind it may be the next one
                os.write(main, answer.encode())
            elif select.select([main], [], [], 0.2)[0]:
                try:
                    shown += os.read(main, 65536)
                except OSError:  # as Linux says that nobody has the other side any more
                    break
        else:
            process.kill()
    os.close(main)
    whole = _CONTROL.sub("", shown.decode(errors="replace"))
    assert waiting == [], whole
    return process.returncode, whole
