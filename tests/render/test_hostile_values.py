"""Hostile values come back from each file's real parser as they went in, or the settings refuse them."""

import json
import os
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from components.remote_programs import command
from render import FileEntry, cloudflared_yml, manifest, module_json
from settings import Settings, SettingsError
from settings.build import build
from tests.render.caddy import adapt, whole_file

ROOT = Path(__file__).resolve().parents[2]
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
FEW = bounds(WITHIN_REASON, max_examples=12, phases=set(Phase) - {Phase.shrink, Phase.explain})
"""For tests that start a process for each batch: to look for a smaller one would take minutes."""


def accepted(values: dict[str, Any]) -> Settings | None:
    """The settings; `None` where they are refused."""
    try:
        return build(values, deployment="argoweb/test")
    except SettingsError:
        return None


def sites(prod: dict[str, Any], made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the sites that are accepted, each under a hostname of its own."""
    named = [{"hostname": f"h{index}.example.com", **site} for index, site in enumerate(made)]
    return [site for site in named if accepted({**prod, "sites": [site]})]


@given(text=TEXTS)
@WITHIN_REASON
def test_a_text_of_cloudflareds_file_comes_back_from_yaml(prod: dict[str, Any], text: str) -> None:
    site = {"hostname": "a.example.com", "service": f"unix:{text}", "path": text}
    common = {"label": text, "originRequest": {"originServerName": text}}

    found = accepted({**prod, "sites": [site], "cloudflared": common})

    if found is not None:
        document = yaml.safe_load(cloudflared_yml(found, UUID))
        assert document["label"] == text
        assert document["originRequest"]["originServerName"] == text
        assert document["ingress"][0]["path"] == text
        assert document["ingress"][0]["service"] == f"unix:{text}"


@given(texts=st.lists(TEXTS, min_size=8, max_size=12))
@bounds(FEW, max_examples=4)
def test_a_text_of_cloudflareds_file_comes_back_from_cloudflared(
    prod: dict[str, Any], tmp_path: Path, texts: list[str]
) -> None:
    program = shutil.which("cloudflared")
    if program is None:
        warnings.warn("cloudflared is not here: hostile texts were NOT given to it", stacklevel=1)
        pytest.skip("NOT CHECKED: cloudflared is not on PATH")
    made = sites(prod, [{"service": f"unix:{text}"} for text in texts])
    found = build({**prod, "sites": made}, deployment="argoweb/test")
    file = tmp_path / "argoWeb.yml"
    file.write_text(cloudflared_yml(found, UUID))

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
            check=True,
        ).stdout.decode()
        assert shown.partition("\tservice: ")[2] == "unix:" + site["service"][5:] + "\n"


def values_in(config: Any) -> dict[str, dict[str, Any]]:
    """What Caddy's JSON says of each hostname: pattern, root, dial, location."""
    (server,) = config["apps"]["http"]["servers"].values()
    found = {}
    for route in server["routes"][0]["handle"][0]["routes"][:-1]:
        (match,) = route["match"]
        (inner,) = route["handle"]
        handler = inner["routes"][0]["handle"][0]
        found[match["vars"]["{http.request.host}"][0]] = {
            "path": match.get("vars_regexp", {}).get("{http.request.uri.path}", {}).get("pattern"),
            "root": handler.get("root"),
            "proxy": handler.get("upstreams", [{}])[0].get("dial"),
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
    assert list(found) == [site["hostname"] for site in made]
    for site in made:
        seen = found[site["hostname"]]
        for key in ("root", "proxy", "path"):
            assert seen[key] == (site.get(key) or None), site
        assert seen["redirect"] == (in_full(site["redirect"]) if "redirect" in site else None)


LINES = (
    'respond "x"', "respond `y`", "header A b", "handle {", "route {", "}", "{", "respond {", "respond <<E", "E", "  E",
    "# {", "# }", "respond \\", '"', "`", '"}"', "`{`", "handle_path /x/* {", "}}", "{}", "respond <<E }", "header A \"",
    "respond hi }", "} handle {", "}\nhandle {", "\\", "\\}", "<<", "<<E {", "import nothing*", "vars a {", "{$X}", "",
)  # fmt: skip


@given(lines=st.lists(st.sampled_from(LINES), min_size=1, max_size=7))
@bounds(WITHIN_REASON, max_examples=120)
def test_lines_of_the_users_own_stay_in_their_site(
    prod: dict[str, Any], tmp_path: Path, lines: list[str]
) -> None:
    prod["sites"] = [
        {"hostname": "before.example.com", "root": "/before"},
        {"hostname": "own.example.com", "caddyfile": "\n".join(lines)},
        {"hostname": "after.example.com", "root": "/after"},
    ]
    found = accepted(prod)
    if found is None:
        return

    result = adapt(whole_file(prod), tmp_path)

    if result.returncode != 0:
        return  # a directive that Caddy does not take; it refuses the whole file
    (server,) = json.loads(result.stdout)["apps"]["http"]["servers"].values()
    routes = server["routes"][0]["handle"][0]["routes"]
    hostnames = [
        route["match"][0]["vars"]["{http.request.host}"] for route in routes if "match" in route
    ]
    assert hostnames == [["before.example.com"], ["own.example.com"], ["after.example.com"]]
    assert len(routes) == 4
    assert len(server["routes"]) == 1


@given(texts=BATCH)
@FEW
def test_a_value_of_the_modules_file_comes_back_from_nix(
    prod: dict[str, Any], tmp_path: Path, texts: list[str]
) -> None:
    def of(text: str) -> dict[str, Any]:
        package = {
            "url": f"https://{text}",
            "rev": text,
            "hash": "sha256-" + "A" * 43 + "=",
            "version": text,
        }
        return {
            "package": package,
            "nixos": {"configDir": f"/{text}", "dataDir": f"/{text}"},
            "caddy": {"globalOptions": text, "group": text},
        }  # fmt: skip

    documents = []
    for text in texts:
        for key, value in of(text).items():
            found = accepted({**prod, key: value})
            if found is not None:
                documents.append(module_json(found, UUID))
    (tmp_path / "documents.json").write_text(json.dumps(documents))

    result = subprocess.run(
        [
            "nix-instantiate", "--eval", "--strict", "--json", "--expr", "{ file }: map builtins.fromJSON (builtins.fromJSON (builtins.readFile file))",
            "--argstr", "file", str(tmp_path / "documents.json"),
        ],
        env={**os.environ, "NIX_STORE_DIR": str(tmp_path / "store"), "NIX_STATE_DIR": str(tmp_path / "var")},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [json.loads(document) for document in documents]


READ = """
source "$1"
read_manifest "$2"
printf '%s\\0' "${SETTING[owner]}" "${SETTING[config-dir]}" "${SETTING[data-dir]}" "${SETTING[flake]-}" "${REBUILD_ARGS[@]}" -- \\
  "${FILES[@]}" "${FILE_PATH[@]}"
"""


@given(texts=st.lists(TEXTS, min_size=10, max_size=20))
@FEW
def test_the_manifest_comes_back_from_the_servers_bash(
    prod: dict[str, Any], tmp_path: Path, texts: list[str]
) -> None:
    for text in texts:
        rebuild = {"flake": text, "args": [text, "--x"]}
        servers = {"web1": {**prod["servers"]["web1"], "rebuild": rebuild}}
        nixos = {"configDir": f"/{text}", "dataDir": f"/{text}d"}
        found = accepted({**prod, "servers": servers, "nixos": nixos})
        if found is None:
            continue
        file = tmp_path / "manifest"
        path = f"{found.nixos.config_dir}/argoWeb.yml"
        entry = FileEntry(name="argoWeb.yml", mode="644", owner="root:root", sha256="0", path=path)
        file.write_text(
            manifest(
                found, found.servers[0], owner="argoweb/test/web1 root@192.0.2.1:22", files=[entry]
            )
        )

        words = subprocess.run(
            ["bash", "-c", READ, "read", ROOT / "remote/common.sh", file],
            capture_output=True,
            check=True,
        ).stdout.decode().split("\0")  # fmt: skip

        places = found.nixos
        assert words == [
            "argoweb/test/web1 root@192.0.2.1:22", places.config_dir, places.data_dir, text, text, "--x", "--",
            "argoWeb.yml", path, "",
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
        ["sh", "-c", command("stage.sh", "put", str(file), "1", sudo=False)], input=data, check=True
    )

    assert file.read_bytes() == data
    file.unlink()
