"""The journal and the numbers of a server, as they are sent to whoever asks for them."""

import os
import subprocess
from pathlib import Path

from argoweb.programs import write_logs_program, write_metrics_program

SECRET = "c2Vj/cmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I="
WORDS = ("--lines=3", "--unit=argoWeb.service")
JOURNAL = f"""#!/bin/bash
echo "$@" >>$FOLDER/asked
echo 'line \\of/ it {SECRET} and {SECRET}'
echo '{{"MESSAGE":"x {SECRET.replace("/", chr(92) + "/")}"}}'
if [[ $* == *--follow* ]]; then exec sleep 60; fi
printf 'no line break'
"""
SHOWN = 'line \\of/ it [secret] and [secret]\n{"MESSAGE":"x [secret]"}\n'
METRICS = """#!/bin/bash
echo "${@: -1}" >>$FOLDER/asked
echo 'caddy_http_request_duration_seconds_bucket{host="www.example.com",le="0.5"} 7'
echo 'caddy_http_requests_total{path="/?token=x"} 9'
echo 'cloudflared_tunnel_total_requests 8'
"""


def stub(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def start(folder: Path, program: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "FOLDER": str(folder)}
    process = subprocess.Popen(
        ["bash", "-s"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(program)
    process.stdin.flush()
    return process


def test_a_journal_is_shown_without_the_tunnels_secret(tmp_path: Path) -> None:
    stub(tmp_path, "journalctl", JOURNAL)
    for name, secret in {"a": "other", "b": SECRET}.items():
        text = f'{{"AccountTag": "a", "TunnelSecret": "{secret}", "TunnelID": "{name}"}}'
        (tmp_path / f"{name}.json").write_text(text)

    with start(tmp_path, write_logs_program(str(tmp_path), "no", *WORDS)) as process:
        said, _ = process.communicate(timeout=60)

    assert said == f"{SHOWN}no line break\n"
    assert (tmp_path / "asked").read_text() == f"--no-pager --quiet {' '.join(WORDS)}\n"


def test_a_followed_journal_ends_with_the_connection_and_leaves_nothing(tmp_path: Path) -> None:
    stub(tmp_path, "journalctl", JOURNAL)
    text = f'{{"AccountTag": "a", "TunnelSecret": "{SECRET}", "TunnelID": "b"}}'
    (tmp_path / "b.json").write_text(text)

    with start(tmp_path, write_logs_program(str(tmp_path), "yes", *WORDS)) as process:
        assert process.stdout is not None
        shown = process.stdout.readline() + process.stdout.readline()
        rest, _ = process.communicate(timeout=30)  # ends once nobody has its output any more

    assert (shown, rest) == (SHOWN, "")
    assert (tmp_path / "asked").read_text() == f"--no-pager --quiet --follow {' '.join(WORDS)}\n"


def test_numbers_are_told_twice_and_nothing_of_visitors(tmp_path: Path) -> None:
    stub(tmp_path, "curl", METRICS)
    stub(tmp_path, "sleep", '#!/bin/bash\necho "slept $*" >>$FOLDER/asked\n')
    addresses = ["127.0.0.1:20251", "127.0.0.1:2019"]

    with start(tmp_path, write_metrics_program(*addresses)) as process:
        said, _ = process.communicate(timeout=60)

    counted = [
        'caddy_http_request_duration_seconds_bucket{host="www.example.com",le="0.5"} 7',
        "cloudflared_tunnel_total_requests 8",
    ]
    sample = [line for each in addresses for line in (f"from\t{each}", *counted)]
    rows = said.splitlines()
    times = [float(row.partition("\t")[2]) for row in rows if row.startswith("sample\t")]
    assert [row for row in rows if not row.startswith("sample")] == [*sample, *sample, "end"]
    assert times[0] < times[1]
    asked = [f"http://{each}/metrics" for each in addresses]
    assert (tmp_path / "asked").read_text().splitlines() == [*asked, "slept 3", *asked]
