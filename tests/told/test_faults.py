"""faults.yaml: a fault is made, the command is run, and the line that names it is there, with nothing beside it."""

import asyncio
import contextlib
import datetime
import getpass
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from argoweb import connection, kinds, stack  # noqa: F401 so that all codes are known
from argoweb.__main__ import main
from argoweb.status import edge as visitors
from existing import api
from tests.argoweb.conftest import new_key
from tests.conftest import ROOT
from tests.existing.conftest import ACCOUNT, SECRET, TOKEN, ZONE, Cloudflare, cloudflare
from tests.ports import free_port
from tests.settings.messages import _ABSENT as ABSENT
from tests.settings.messages import changed
from tests.told.desk import OTHER_HOST_KEY, Desk
from tests.told.table import REALLY, ROWS, TABLE, of
from values.findings import KINDS

__all__ = ["cloudflare"]

LOOKING = of("doctor", "drift", "status")
SAYING = of("logs", "ssh", "page", "init")
CHECKED = [row for _, row in of("check")]
STRANGER = "33333333-3333-4333-8333-333333333333"
EDITING = ("tunnel", "dns", "zone", "access", "access_tokens", "notifications")
WORDING = Path(__file__).with_name("wording.yaml")
STEADY = [
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}", "<id>"),
    (r"20\d\d-\d\d-\d\d[T ][0-9:.]+(Z|\+00:00)", "<time>"),
    (r"(127\.0\.0\.1(?::|', | port )|port )\d{4,}", r"\1<port>"),
    (rf"{getpass.getuser()}(?=@127)|(?<=user ){getpass.getuser()}\b", "<user>"),
    (r"(the plugin \w+ )[0-9.]+", r"\1<version>"),
    (r"differs by \d+ s", "differs by <seconds>"),
    (r"(<port>:|port 22:|TLS fails:) .*", r"\1 <the system's words>"),
    (r"self.signed certificate", "<the system's words>"),
    (r"read \(.*?\)\.", "read (<the system's words>)."),
]
"""What differs from run to run, and what stands for it."""
Rows = dict[str, Any]
Wording = Callable[[str, Rows, list[str]], None]


@pytest.fixture
def desk(tmp_path: Path, cloudflare: Cloudflare, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(api, "_PAUSE", 0.01)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 2)
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 3)
    monkeypatch.setattr(visitors, "SECONDS", 2)
    monkeypatch.setattr(stack, "_SECONDS", 1)
    for name in ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)
    return Desk(tmp_path, cloudflare, monkeypatch)


class Making:
    """What a row says is made, in the order of its kinds."""

    def __init__(
        self, desk: Desk, row: Rows, monkeypatch: pytest.MonkeyPatch, held: ExitStack
    ) -> None:
        self.desk, self.row, self.patch, self.held = desk, row, monkeypatch, held

    def before(self) -> None:
        """What the stack, its state and the answers are."""
        for place, value in self.row.get("stack", {}).items():
            _put(self.desk.config, place, self.filled(value))
        servers = self.desk.config["argoweb:servers"]
        if "bastion" in self.row:
            here = {key: servers["web1"][key] for key in ("address", "port", "hostKey", "user")}
            servers["web1"]["bastion"] = {**here, **self.filled(self.row["bastion"])}
        servers["web1"].update(self.filled(self.row.get("server", {})))
        for place, value in self.row.get("made", {}).items():
            self._made(place, value)
        for kind in ("report", "doctor"):
            for name, fields in self.row.get(kind, {}).items():
                self._say(getattr(self.desk, kind), name, fields)
        for name, page in self.row.get("edge", {}).items():
            self.desk.pages[name] = tuple(page)
        if "history" in self.row:
            self.desk.history[0]["result"] = self.row["history"]
        if "token" in self.row:
            self._token(self.row["token"])
        if "key" in self.row:
            self._key(self.row["key"])
        for step in self.row.get("api", ()):
            self._ask(step)

    def after(self) -> None:
        """What Pulumi says otherwise than it would, and what this machine lacks."""
        for name, answer in self.row.get("pulumi", {}).items():
            self._pulumi(name, answer)
        if "program" in self.row:
            (self.desk.server / "instead").write_text(f"{self.row['program']}\nexit\n")
        if "path" in self.row:
            for name in self.row["path"]:
                (self.desk.programs / name).symlink_to(f"/bin/{name}")
            self.patch.setenv("PATH", str(self.desk.programs))

    def filled(self, value: Any) -> Any:
        """The value with what stands in braces put in."""
        if isinstance(value, dict):
            return {key: self.filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        if not isinstance(value, str):
            return value
        text = re.sub(r"\{([a-z_ ]+)\}", lambda found: str(self._named(found[1])), value)
        return (
            int(text)
            if value in ("{closed}", "{silent}")
            else text.replace("{{", "{").replace("}}", "}")
        )

    def text(self, value: str) -> str:
        """The same as a word of a command line."""
        return str(self.filled(value))

    def _named(self, name: str) -> object:
        made = self.desk.made
        match name:
            case "closed":
                return free_port()
            case "silent":
                return self.held.enter_context(
                    socket.create_server(("127.0.0.1", 0))
                ).getsockname()[1]
            case "other host key":
                return OTHER_HOST_KEY
            case "edge":
                return self.desk.edge_port
            case "other certificate":
                return self.held.enter_context(_https(self.desk.folder))
            case "uri":
                return "{uri}"
            case "account":
                return ACCOUNT
            case "zone":
                return ZONE
            case "www" | "git" | "app":
                (found,) = [
                    it["id"] for host, it in made["records"].items() if host.startswith(name)
                ]
                return found
        return made[name]["id"]

    def _made(self, place: str, value: Any) -> None:
        made = self.desk.made
        first, _, rest = place.partition(".")
        if not rest:
            made[first] = value
        elif value is None:
            del made[first][rest]
        else:
            made[first] = {**made[first], rest: value}

    def _say(self, said: dict[str, list[str]], kind: str, fields: Any) -> None:
        if fields is None:
            said.pop(kind)
            return
        fields = fields.replace("\tnow\t", f"\t{int(time.time())}\t")
        first = fields.partition("\t")[0]
        others = [each for each in said.get(kind, []) if each.partition("\t")[0] != first]
        listed = kind in ("unit", "cloudflared", "site", "disk", "listener")
        said[kind] = [*others, fields] if listed else fields.split("\n")

    def _token(self, given: dict[str, Any]) -> None:
        value = "R" * 40 if "email" not in given else "a" * 37
        about = dict(given)
        if about.get("expires_on"):
            end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)
            about["expires_on"] = end.isoformat()
        if lacks := about.pop("lacks", None):
            about["permissions"] = [
                f"{each}:{'read' if each == lacks else 'edit'}" for each in EDITING
            ]
        if without := about.pop("without", None):
            about["permissions"] = [f"{each}:edit" for each in EDITING if each != without]
        self.desk.cloudflare.control("/seed", {"tokens": [{"value": value, **about}]})
        if "email" in given:
            del self.desk.config["cloudflare:apiToken"]
            self.desk.config |= {"cloudflare:apiKey": value, "cloudflare:email": given["email"]}
        else:
            self.desk.config["cloudflare:apiToken"] = value

    def _key(self, kind: str) -> None:
        if kind == "another":
            self.desk.config["argoweb:sshPrivateKey"] = new_key(self.desk.folder / "another_key")[0]
            return
        del self.desk.config["argoweb:sshPrivateKey"]
        path = self.desk.folder / "agent"
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
        self.held.callback(agent.wait)
        self.held.callback(agent.terminate)
        while not path.exists():
            time.sleep(0.01)
        self.patch.setenv("SSH_AUTH_SOCK", str(path))

    def _ask(self, step: Any) -> None:
        there, tunnel = self.desk.cloudflare, self.desk.made["tunnel"]
        match step:
            case "disconnect":
                self.desk.disconnect()
            case "stranger":
                self.desk.connect(tunnel["id"], STRANGER)
            case "migrate":
                there.control(f"/tunnels/{tunnel['id']}/migrate", {})
            case {"zone": changes}:
                zone = {"id": ZONE, "name": "example.com", "account_id": ACCOUNT, **changes}
                there.control("/seed", {"zones": [zone]})
            case {"record": record}:
                there.has(**record)
            case {"faults": fault}:
                there.control("/faults", self.filled(fault))
            case {"seed": seed}:
                there.control("/seed", seed)
            case [method, path, *body]:
                there.api(method, self.filled(path), body[0] if body else None)

    def _pulumi(self, name: str, answer: Any) -> None:
        match answer:
            case "absent":
                (self.desk.programs / "pulumi").unlink()
            case {"fails": text}:
                self.desk.fails(name, text)
            case {"waits": _}:
                (self.desk.programs / f"{name}.wait").touch()
            case str() if answer.startswith("lacks "):
                kept = [it for it in self.desk.plugins() if it["name"] != answer.partition(" ")[2]]
                self.desk.says(name, kept)
            case _:
                self.desk.says(name, answer)


def _put(config: dict[str, Any], place: str, value: Any) -> None:
    key, _, rest = place.partition(".")
    if not rest:
        if value is None:
            del config[key]
        else:
            config[key] = value
        return
    listed = config[key]
    first, _, inner = rest.partition(".")
    index = int(first)
    if inner:
        listed[index][inner] = value
    elif value is None:
        del listed[index]
    else:
        listed[index : index + 1] = [value]


@contextlib.contextmanager
def _https(folder: Path) -> Iterator[int]:
    """Who answers there shows a certificate that nobody has signed."""
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    files = ["-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.pem"), "-subj", "/CN=x"]
    subprocess.run([*words, *files], check=True, capture_output=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem", folder / "tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def wording() -> Iterator[Wording]:
    """Whether a command says of a fault, word for word, what was read last; `make messages` writes that down."""
    kept: dict[str, list[str]] = yaml.safe_load(WORDING.read_text())
    told: dict[str, list[str]] = {}

    def compare(command: str, row: Rows, lines: list[str]) -> None:
        name = f"{command}: {row.get('fault', 'all is well')}"
        told[name] = [_steady(part) for line in lines for part in line.splitlines()]
        if "WRITE" not in os.environ:
            assert told[name] == kept[name], "run `make messages` and read what has changed"

    yield compare
    if "WRITE" in os.environ:
        WORDING.write_text(yaml.safe_dump(kept | told, allow_unicode=True, width=10_000))


def _steady(text: str) -> str:
    """The text without what differs from run to run, or is the system's word for what does not answer."""
    for found, shown in STEADY:
        text = re.sub(found, shown, text)
    return text


@pytest.fixture
def ran(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Makes a row's fault and runs its command; gives the exit code and what is printed, without any secret."""

    def run(command: str, row: Rows, *more: str) -> tuple[int, str]:
        with ExitStack() as held:
            making = Making(desk, row, monkeypatch, held)
            making.before()
            desk.ready()
            edge = held.enter_context(desk.open())
            for name, value in row.get("variables", {}).items():
                if value is None:
                    monkeypatch.delenv(name, raising=False)
            making.after()
            words = [command, *(making.filled(row.get("words", [])))]
            if command == "status" and "--edge" not in words:
                words += ["--edge", edge]
            asyncio.set_event_loop_policy(None)
            code = main([*words, *more])
        printed = capsys.readouterr()
        hidden = (*desk.private_key.splitlines()[1:-1], *desk.tokens, SECRET)
        assert [each for each in hidden if each in printed.out + printed.err] == []
        return code, printed.out

    return run


@pytest.fixture
def looked(
    ran: Callable[..., tuple[int, str]], wording: Wording
) -> Callable[[str, Rows], tuple[int, list[dict[str, Any]]]]:
    """Makes a row's fault and runs its command; gives the exit code and the lines that are not well."""

    def look(command: str, row: Rows) -> tuple[int, list[dict[str, Any]]]:
        code, printed = ran(command, row, "--json")
        found = json.loads(printed)
        one = found[0] if isinstance(found, list) else found
        assert one["exit"] == code
        lines = [line for line in one["lines"] if line["level"] != "ok"]
        shown = [
            "\n".join([f"{it['level']} {it['code']} {it['place']}: {it['text']}", *it["more"], f"→ {it['remedy']}"])
            for it in lines or one["lines"]
        ]  # fmt: skip
        wording(command, row, sorted(shown))
        return code, lines

    return look


@pytest.mark.parametrize(
    ("command", "row", "code", "last"),
    [
        ("doctor", {}, 0, "\n\nAll is well.\n"),
        ("doctor", {"doctor": {"memory": "1"}}, 1, "\n\nOf 33 things 1 needs you.\n"),
        ("doctor", {"doctor": {"memory": "1", "disk": "/var\t1\t9%"}}, 1, "\n\nOf 33 things 2 need you.\n"),
        ("drift", {}, 0, "Nothing differs from the stack.\n"),
        ("drift", {"server": {"port": "{closed}"}}, 2, "\nNothing differs of what could be looked at.\n"),
        ("status", {}, 0, "\n✓ All is well.\n\n"),
    ],
)  # fmt: skip
def test_a_report_for_people_ends_with_what_it_comes_to(
    ran: Callable[..., tuple[int, str]], command: str, row: Rows, code: int, last: str
) -> None:
    exit_code, printed = ran(command, row)

    assert (exit_code, printed.endswith(last)) == (code, True), printed


@pytest.mark.parametrize("command", ["doctor", "drift", "status"])
def test_of_what_is_healthy_nothing_is_told(
    looked: Callable[[str, Rows], tuple[int, list[dict[str, Any]]]], command: str
) -> None:
    assert looked(command, {}) == (0, [])


@pytest.mark.parametrize(
    ("command", "row"), LOOKING, ids=[f"{command}: {row['fault']}" for command, row in LOOKING]
)
def test_a_fault_is_named_by_its_line_and_no_other(
    looked: Callable[[str, Rows], tuple[int, list[dict[str, Any]]]], command: str, row: Rows
) -> None:
    code, lines = looked(command, row)

    named = [line for line in lines if f"{line['code']} {line['place']}" == row["line"]]
    assert row["text"] in "\n".join(text for it in named for text in (it["text"], *it["more"])), (
        lines
    )
    assert all(line["remedy"] for line in lines)
    assert {f"{line['code']} {line['place']}" for line in lines} == {
        row["line"],
        *row.get("also", ()),
    }
    levels = {line["level"] for line in lines}
    told = {"error", "warning"} & levels
    assert code == (1 if told else 2 if "unknown" in levels else 0)


@pytest.mark.parametrize("row", CHECKED, ids=[row["fault"] for row in CHECKED])
def test_a_fault_of_a_stack_file_is_named_at_its_place(
    row: Rows, tmp_path: Path, capsys: pytest.CaptureFixture[str], wording: Wording
) -> None:
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(row.get("file") or _stack_file(row["place"], row.get("value", ABSENT)))

    code = main(["check", "--json", str(path)])

    (file,) = json.loads(capsys.readouterr().out)
    found = {f"{each['code']} {each['where']}": each for each in file["problems"]}
    assert {*found} == {row["line"], *row.get("also", ())}
    assert row["text"] in found[row["line"]]["text"]
    assert found[row["line"]]["line"] > 0
    wording("check", row, [" ".join(map(str, each.values())) for each in found.values()])
    errors = any(each["severity"] == "error" for each in found.values())
    assert code == row.get("code", 1 if errors else 0)


def _stack_file(place: str, value: Any) -> str:
    example = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]
    if ":" in place:
        example[place] = value
    else:
        example = changed(example, f"argoweb:{place}", value)
    return yaml.safe_dump({"config": example}, sort_keys=False)


@pytest.mark.parametrize(
    ("command", "row"), SAYING, ids=[f"{command}: {row['fault']}" for command, row in SAYING]
)
def test_a_command_that_cannot_do_its_work_says_why(
    desk: Desk, command: str, row: Rows, monkeypatch: pytest.MonkeyPatch, wording: Wording
) -> None:
    with ExitStack() as held:
        making = Making(desk, row, monkeypatch, held)
        if row.get("bare"):
            monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
            desk.config = {"cloudflare:baseUrl": desk.cloudflare.api_url}
        else:
            making.before()
        desk.ready()
        if "project" in row:
            (desk.folder / "Pulumi.yaml").unlink()
        held.enter_context(desk.open())
        for name, value in row.get("variables", {}).items():
            monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
        making.after()
        words = [word.strip() for word in map(making.text, row.get("words", []))]
        done = subprocess.run(
            [sys.executable, "-m", "argoweb", command, *words],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    code, _, place = row["line"].partition(" ")
    if code == "exit":
        assert (done.returncode, row["text"] in done.stderr) == (int(place), True), done.stderr
    else:
        assert (done.returncode, f"[{code}]" in done.stderr) == (row["code"], True), done.stderr
        assert f"{place}: " in done.stderr
        assert row["text"] in done.stderr
    wording(command, row, done.stderr.splitlines())
    assert "Traceback" not in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert desk.private_key.splitlines()[1] not in done.stdout + done.stderr


def test_the_table_has_a_hundred_faults_none_twice_and_each_told_otherwise() -> None:
    rows = [row for parts in TABLE.values() for listed in parts.values() for row in listed]

    assert len(ROWS) == len(rows) > 100
    told = {(command, row["line"], row["text"]) for command in TABLE for _, row in of(command)}
    assert len(told) == len(rows)
    assert {row["fault"] for listed in REALLY.values() for row in listed} <= ROWS.keys()


@pytest.mark.skipif("WRITE" in os.environ, reason="the file is written once all have told")
def test_nothing_is_worded_that_no_fault_tells() -> None:
    worded = {f"{command}: {row['fault']}" for command, row in LOOKING + SAYING + of("check")}
    worded |= {f"{command}: all is well" for command in ("doctor", "drift", "status")}
    assert {*yaml.safe_load(WORDING.read_text())} == worded


def test_every_code_of_the_command_line_is_in_the_table() -> None:
    running = {code for code, kind in KINDS.items() if kind.running is not None}

    assert running - {row["line"].split()[0] for row in ROWS.values()} == {"package-missing"}
