"""Hostile values come back from each file's real parser as they went in, or the settings refuse them."""

import json
import os
import re
import string
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from cloudflared import ORIGIN_REQUEST, SETTINGS, UNCLEAN
from cloudflared.go.idna import look_up_name
from components.remote_programs import write_command
from importing.file import read
from render import (
    FileEntry,
    render_cloudflared_yml,
    render_manifest,
    render_module_json,
    render_serving,
)
from settings import FindingsError, Settings
from settings.reading.build import build
from tests.real import real_cloudflared
from tests.render.caddy import (
    adapt,
    by_hostname,
    handlers,
    listens_at,
    only_server,
    path_of,
    whole_file,
)
from values.kinds import Checked, ListOf, Shape, Text
from values.tables import Table

ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 120
"""What a parser may take, however slow the machine."""
UUID = "6ff42ae2-765d-4adf-8112-31c55c1551ef"
PIECES = (
    "a", "Z9", "/", "/srv/www", ".", "..", "-", "_", "*", "?", "$", "${HOME}", "{$HOME}", "$(id)", "`id`", "{", "}",
    "{uri}", "{path}", "{env.HOME}", "{file./etc/passwd}", "{{", "}}", "'", '"', "\\", "\\n", '\\"', "`", "#", " #", ":",
    ": ", "- ", "&a", "*a", "!!str", "|", ">", "%", "@", "\t", " ", "\n", "\r", "\0", "\x1b[31m", "\x85", "\u2028",
    "\ufeff", "\u202e", "\u0430", "\U0001f600", "é", "e\u0301", "''", "${", "builtins.exec", "<<EOF", "EOF", ";", "&&",
    "(", ")", "[", "]", "^", "+", "~", "null", "true", "0x1f", "1e3", "=", ",", "\ud800", "x" * 5000,
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.characters(), min_size=1, max_size=6).map("".join)
BATCH = st.lists(TEXTS, min_size=20, max_size=40)
WITHIN_REASON = bounds(
    max_examples=150,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
FEW = bounds(WITHIN_REASON, max_examples=6, phases=set(Phase) - {Phase.shrink, Phase.explain})
"""For tests that start a process for each batch: to look for a smaller one would take minutes."""


def accepted(values: dict[str, Any]) -> Settings | None:
    """The settings; `None` where they are refused."""
    try:
        return build(values, deployment="argoweb/test")
    except FindingsError:
        return None


def sites(prod: dict[str, Any], made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the sites that are accepted, each under a hostname of its own."""
    named = [{"hostname": f"h{index}.example.com", **site} for index, site in enumerate(made)]
    return [site for site in named if accepted({**prod, "sites": [site]})]


def shaped(shape: Shape, text: str) -> Any:
    """The text as a key of this shape takes it; nothing for one that takes no text."""
    if isinstance(shape, ListOf):
        item = shaped(shape.item, text)
        return item and [item, item]
    return text if isinstance(shape, (Text, Checked)) else None


def taken(
    table: Table, text: str, values: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """The keys of a table that take the text, each by itself, with what they took."""
    given = {name: shaped(key.shape, text) for name, key in table.keys.items()}
    return {
        name: value
        for name, value in given.items()
        if value is not None and accepted(values({name: value}))
    }


@given(text=TEXTS)
@bounds(WITHIN_REASON, max_examples=30)
def test_a_text_of_cloudflareds_file_comes_back_from_yaml(prod: dict[str, Any], text: str) -> None:
    keys = taken(SETTINGS, text, lambda keys: {**prod, "cloudflared": keys})
    common = taken(
        ORIGIN_REQUEST, text, lambda keys: {**prod, "cloudflared": {"originRequest": keys}}
    )
    rules = [{"service": f"unix:{text}"}, {"service": "unix:/x", "path": text}]
    made = sites(prod, rules)
    values = {**prod, "sites": made, "cloudflared": {**keys, "originRequest": common}}

    rendered = render_cloudflared_yml(build(values, deployment="argoweb/test"), UUID)

    document = yaml.safe_load(rendered)
    assert {name: document[name] for name in keys} == keys
    assert document.get("originRequest", {}) == common
    given = [(site["hostname"], site.get("path"), site["service"]) for site in made]
    *found, _ = [(r.get("hostname"), r.get("path"), r["service"]) for r in document["ingress"]]
    assert [rule for rule in found if rule[1] != UNCLEAN] == given
    as_cloudflared_does = read(rendered.encode())
    assert as_cloudflared_does.refused == []
    assert as_cloudflared_does.values == document


@given(text=TEXTS, wildcard=st.booleans())
@WITHIN_REASON
def test_a_hostname_is_refused_or_becomes_the_one_name_that_dns_has_for_it(
    prod: dict[str, Any], text: str, wildcard: bool
) -> None:
    name = f"{'*.' * wildcard}{text}.example.com"

    found = accepted({**prod, "sites": [{"hostname": name, "root": "/srv"}]})

    if found is not None:
        hostname = found.sites[0].hostname
        assert re.fullmatch(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", hostname)
        browsers = name.lower() if name.isascii() else look_up_name(name.removeprefix("*."))
        assert browsers in (None, hostname, hostname.removeprefix("*."))
        assert (
            yaml.safe_load(render_cloudflared_yml(found, UUID))["ingress"][0]["hostname"]
            == hostname
        )


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("\u0430pple.example.com", "xn--pple-43d.example.com"),
        ("apple\u3002example.com", "apple.example.com"),
        ("APPLE.example.com.", "apple.example.com"),
        ("BÜCHER.example.com.", "xn--bcher-kva.example.com"),
        ("\uff41pple.example.com", "apple.example.com"),
    ],
)
def test_a_name_that_looks_like_another_one_is_shown_as_what_it_is(
    prod: dict[str, Any], written: str, name: str
) -> None:
    found = accepted({**prod, "sites": [{"hostname": written, "root": "/srv"}]})

    assert found
    assert [site.hostname for site in found.sites] == [name]


@given(texts=st.lists(TEXTS, min_size=8, max_size=12))
@bounds(FEW, max_examples=4)
def test_a_text_of_cloudflareds_file_comes_back_from_cloudflared(
    prod: dict[str, Any], tmp_path: Path, texts: list[str]
) -> None:
    program = real_cloudflared("hostile texts")
    made = sites(prod, [{"service": f"unix:{text}"} for text in texts])
    found = build({**prod, "sites": made}, deployment="argoweb/test")
    file = tmp_path / "argoWeb.yml"
    file.write_text(render_cloudflared_yml(found, UUID))

    for site in made:
        shown = subprocess.run(
            [
                program,
                "tunnel",
                "--config",
                file,
                "ingress",
                "rule",
                f"https://{site['hostname']}/",
            ],
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        ).stdout.decode()
        assert shown.partition("\tservice: ")[2] == "unix:" + site["service"][5:] + "\n"


def values_in(config: Any) -> dict[str, dict[str, Any]]:
    """What Caddy's JSON says of each hostname: pattern, root, dial, location."""
    found = {}
    parts = by_hostname(only_server(config))
    del parts[""]
    for hostname, part in parts.items():
        handler = handlers(part)[0]
        found[hostname] = {
            "path": path_of(part),
            "root": handler.get("root"),
            "proxy": handlers(part)[-1].get("upstreams", [{}])[0].get("dial"),
            "redirect": handler.get("headers", {}).get("Location", [None])[0],
        }
    return found


LONG_NAMES = {"{uri}": "{http.request.uri}", "{path}": "{http.request.uri.path}"}


def in_full(text: str) -> str:
    """A text with Caddy's short placeholders as its JSON has them (`httpcaddyfile/shorthands.go`)."""
    for short, full in LONG_NAMES.items():
        text = text.replace(short, full)
    return text


@given(texts=BATCH)
@FEW
def test_a_value_comes_back_from_caddy(
    prod: dict[str, Any], tmp_path: Path, texts: list[str]
) -> None:
    made = sites(
        prod,
        [
            {
                "root": {"root": f"/{text}"},
                "path": {"root": "/srv", "path": text},
                "redirect": {"redirect": f"/{text}"},
                "proxy": {"proxy": f"unix//{text}"},
            }[kind]
            for text in texts
            for kind in ("root", "path", "redirect", "proxy")
        ],
    )

    result = adapt(whole_file({**prod, "sites": made}), tmp_path)

    assert result.returncode == 0, result.stderr
    found = values_in(json.loads(result.stdout))
    assert found.keys() == {site["hostname"] for site in made}
    for site in made:
        seen = found[site["hostname"]]
        for key in ("root", "proxy", "path"):
            assert seen[key] == (site.get(key) or None), site
        redirect = site.get("redirect") and quote(in_full(site["redirect"]), safe=string.printable)
        assert seen["redirect"] == redirect, site


LINES = (
    'respond "x"', "respond `y`", "header A b", "handle {", "route {", "}", "{", "respond {", "respond <<E", "E", "  E",
    "# {", "# }", "respond \\", '"', "`", '"}"', "`{`", "handle_path /x/* {", "}}", "{}", "respond <<E }", 'header A "',
    "respond hi }", "} handle {", "}\nhandle {", "\\", "\\}", "<<", "<<E {", "import nothing*", "vars a {", "{$X}", "",
"# \u2028}\u2028http://:9 {\u2028respond x",
)  # fmt: skip


TEXT_OF_LINES = st.tuples(
    st.lists(st.sampled_from(LINES), min_size=1, max_size=7).map("\n".join),
    st.sampled_from(("", "\n", "\n\n", " \n")),
).map("".join)
"""Often with a line break at its end, as YAML's `|` has it."""


@given(lines=TEXT_OF_LINES)
@example(lines="header A x y \\\n")
@bounds(WITHIN_REASON, max_examples=120)
def test_lines_of_the_users_own_stay_in_their_site(
    prod: dict[str, Any], tmp_path: Path, lines: str
) -> None:
    prod["sites"] = [
        {"hostname": "before.example.com", "root": "/before"},
        {"hostname": "own.example.com", "caddyfile": lines},
        {"hostname": "after.example.com", "root": "/after"},
    ]

    server = the_server(prod, tmp_path)

    if server is not None:
        found = by_hostname(server)
        assert found.keys() == {"before.example.com", "own.example.com", "after.example.com", ""}
        for name in ("before", "after"):
            root, files = handlers(found[f"{name}.example.com"])
            assert root == {"handler": "vars", "root": f"/{name}"}
            assert files["handler"] == "file_server"
        assert handlers(found[""]) == [{"handler": "static_response", "status_code": 404}]


@given(lines=TEXT_OF_LINES)
@example(lines="header A x y \\\n")
@bounds(WITHIN_REASON, max_examples=60)
@pytest.mark.parametrize("key", ["globalOptions", "serverOptions", "siteOptions"])
def test_lines_of_the_users_own_stay_in_the_block_of_their_key(
    prod: dict[str, Any], tmp_path: Path, key: str, lines: str
) -> None:
    prod["caddy"] = {key: lines}

    server = the_server(prod, tmp_path)

    if server is not None:
        assert listens_at(server) == ["127.0.0.1:8080", "[::1]:8080"]
        text = json.dumps(server["routes"])
        assert [name for name in ("www.example.com", "app.example.com") if name not in text] == []


@pytest.mark.parametrize("separator", ["\u2028", "\u2029"])
@pytest.mark.parametrize("key", ["globalOptions", "serverOptions", "siteOptions"])
def test_what_ends_a_line_elsewhere_ends_no_comment(
    prod: dict[str, Any], tmp_path: Path, key: str, separator: str
) -> None:
    prod["caddy"] = {key: separator.join(["# a comment", "}", "http://:9 {", "respond x"])}

    server = the_server(prod, tmp_path)

    assert server is not None
    assert ":9" not in server["listen"]
    assert "respond" not in json.dumps(server)


def the_server(values: dict[str, Any], folder: Path) -> Any:
    """The only server of the stack's Caddyfile; nothing where the settings or Caddy refuse all of it."""
    if accepted(values) is None:
        return None
    result = adapt(whole_file(values), folder)
    if result.returncode != 0:
        return None
    return only_server(json.loads(result.stdout))


def changes_of_the_module(text: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Changes of the stack file that have a text in the module's file, each with what stands there then."""
    package = {"hash": "sha256-" + "A" * 43 + "=", "url": "https://x/y", "rev": "1", "version": "1"}
    folder = f"/{text}".rstrip("/")
    return [
        ({"package": {**package, "url": f"https://{text}"}}, {"url": f"https://{text}"}),
        ({"package": {**package, "rev": text}}, {"rev": text}),
        ({"package": {**package, "version": text}}, {"version": text}),
        ({"nixos": {"configDir": f"/{text}"}}, {"config": f"{folder}/argoWeb.yml"}),
        ({"nixos": {"dataDir": f"/{text}"}}, {"dataDir": folder}),
        ({"caddy": {"group": text}}, {"proxyGroup": text}),
        ({"caddy": {"unit": text}}, {"unit": text}),
    ]


@given(texts=BATCH)
@FEW
def test_a_value_of_the_modules_file_comes_back_from_nix(
    prod: dict[str, Any], tmp_path: Path, texts: list[str]
) -> None:
    made = [change for text in texts for change in changes_of_the_module(text)]
    found = [(accepted({**prod, **change}), expected) for change, expected in made]
    taken = [(settings, expected) for settings, expected in found if settings is not None]
    documents = [render_module_json(settings, UUID) for settings, _ in taken]
    (tmp_path / "documents.json").write_text(json.dumps(documents))

    result = subprocess.run(
        [
            "nix-instantiate", "--eval", "--strict", "--json", "--expr", "{ file }: map builtins.fromJSON (builtins.fromJSON (builtins.readFile file))",
            "--argstr", "file", str(tmp_path / "documents.json"),
        ],
        env={**os.environ, "NIX_STORE_DIR": str(tmp_path / "store"), "NIX_STATE_DIR": str(tmp_path / "var")},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    for document, (_, expected) in zip(json.loads(result.stdout), taken, strict=True):
        flat = {**document, **document["caddy"], **(document["package"] or {})}
        assert {key: flat[key] for key in expected} == expected


READ = """
source "$1"
read_manifest "$2"
for key in owner config-dir data-dir caddy-unit proxy-group flake build-host; do printf '%s\\0' "${SETTING[$key]-}"; done
printf '%s\\0' "${REBUILD_ARGS[@]}" -- "${HEALTH_URLS[@]}" -- "${READS[@]}" -- "${FILES[@]}" "${FILE_PATH[@]}"
for unit in "${INSTANCES[@]}"; do printf '%s\\0' "$unit" "${INSTANCE_METRICS[$unit]}"; done
"""
OWNER = "argoweb/test/web1 root@192.0.2.1:22"


def changes_of_the_manifest(server: dict[str, Any], text: str) -> list[dict[str, Any]]:
    """Changes of the stack file that have a text in the manifest."""
    rebuilds: list[dict[str, Any]] = [{"flake": text}, {"buildHost": text}, {"args": [text, "--x"]}]
    return [
        *({"servers": {"web1": {**server, "rebuild": rebuild}}} for rebuild in rebuilds),
        {"nixos": {"configDir": f"/{text}"}},
        {"nixos": {"dataDir": f"/{text}"}},
        {"caddy": {"unit": text}},
        {"caddy": {"group": text}},
        {"caddy": {"tls": {"certificate": f"/{text}", "key": "/k", "noTLSVerify": True}}},
        {"cloudflared": {"originRequest": {"caPool": f"/{text}"}}},
        {"cloudflared": {"cacert": f"/{text}"}},
        {"cloudflared": {"metrics": f"{text}:1"}},
        {"health": {"urls": [f"http://127.0.0.1/{text}"]}},
    ]


@given(texts=st.lists(TEXTS, min_size=4, max_size=8))
@example(texts=["a ", " a  b", "a\\", "a%"])
@bounds(FEW, max_examples=8)
def test_the_manifest_comes_back_from_the_servers_bash(
    prod: dict[str, Any], tmp_path: Path, texts: list[str]
) -> None:
    changes = [c for text in texts for c in changes_of_the_manifest(prod["servers"]["web1"], text)]
    for found in filter(None, (accepted({**prod, **change}) for change in changes)):
        file = tmp_path / "manifest"
        path = f"{found.nixos.config_dir}/argoWeb.yml"
        entry = FileEntry(name="argoWeb.yml", mode="644", owner="root:root", sha256="0", path=path)
        rebuild = found.servers[0].rebuild
        file.write_text(render_manifest(render_serving(found), rebuild, owner=OWNER, files=[entry]))

        words = subprocess.run(
            ["bash", "-c", READ, "read", ROOT / "remote/common.sh", file],
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        ).stdout.decode().split("\0")  # fmt: skip

        rebuild, places, common = found.servers[0].rebuild, found.nixos, found.cloudflared
        origin: Any = common.get("originRequest") or {}
        pools = dict.fromkeys(p for p in (origin.get("caPool"), common.get("cacert")) if p)
        files = found.caddy.tls.files if found.caddy.tls else None
        served = dict.fromkeys(files or ())
        assert words == [
            OWNER, places.config_dir, places.data_dir, found.caddy.unit, found.caddy.group, rebuild.flake or "",
            rebuild.build_host or "", *rebuild.args, "--", *found.health.urls, "--",
            *(f"cloudflared {pool}" for pool in pools), *(f"Caddy {path}" for path in served), "--",
            "argoWeb.yml", path, *(word for each in found.instances for word in (each.unit, each.metrics)), "",
        ]  # fmt: skip


@given(name=TEXTS.map(lambda text: text.replace("/", "").replace("\0", "")), content=TEXTS)
@bounds(WITHIN_REASON, max_examples=30)
def test_a_commands_words_and_its_standard_input_pass_the_shell(
    tmp_path: Path, name: str, content: str
) -> None:
    encoded = name.encode(errors="ignore")[:200]
    readable = encoded.decode(errors="ignore")
    if readable in ("", ".", ".."):
        return
    file = tmp_path / "staging" / readable
    data = content.encode(errors="surrogatepass")

    subprocess.run(
        ["sh", "-c", write_command("put.sh", str(file), "1", sudo=False)],
        input=data,
        timeout=_SECONDS,
        check=True,
    )

    assert file.read_bytes() == data
    file.unlink()
