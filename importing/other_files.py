"""Files of another kind that are given for a configuration file, and YAML that goes wrong in a known way.

What is said stands behind what cloudflared's own reader says, or in its place where the file is none of its.
"""

import re
from collections.abc import Mapping
from typing import Any

_CHART = "values of the Helm chart `cloudflared`: give its `ingress`, the last rule with its service alone"
_NIXOS = "the options `services.cloudflared` of NixOS as data: give one tunnel's `ingress`, each hostname as a rule, and its `default` as the last one"
_KEYS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset(("apiVersion", "kind")), "a Kubernetes {kind}: {give}"),
    (frozenset(("AccountTag", "TunnelSecret")), "a tunnel's credentials file, a secret: give the config.yml that names it"),
    (frozenset(("result", "success")), "an answer of Cloudflare's API: give its `result.config`, as by: jq .result.config"),
    (frozenset(("config", "tunnel_id")), "an answer of Cloudflare's API: give its `config`, as by: jq .config"),
    (frozenset(("services",)), "a Docker Compose file: give the config.yml that its cloudflared reads"),
    (frozenset(("configMaps",)), "values of a Helm chart: give the file that stands under its `configMaps`, `data`"),
    (frozenset(("cloudflare",)), "values of the Helm chart `cloudflare-tunnel`: give its `cloudflare.ingress` as `ingress`"),
    (frozenset(("additional_hosts",)), "the options of Home Assistant's add-on: write each of its `additional_hosts` as a rule of `ingress`, and `external_hostname` as one with `service`"),
    (frozenset(("authtoken",)), "ngrok's configuration: write each of its tunnels as a rule with `hostname` and `service`"),
    (frozenset(("tunnels", "version")), "ngrok's configuration: write each of its tunnels as a rule with `hostname` and `service`"),
    (frozenset(("http",)), "Traefik's configuration: write each of its hosts as a rule with `hostname` and `service`"),
    (frozenset(("tunnels",)), _NIXOS),
)  # fmt: skip
"""Keys at the top by which a file is known, and what to say of it."""
_TEXTS = (
    (
        r"-----BEGIN [A-Z ]+-----",
        "a key or a certificate, perhaps a secret: give the config.yml that names it",
    ),
    (r"\AeyJ[\w+/=-]{40,}\s*\Z", "a tunnel's token, a secret: give the config.yml of the tunnel"),
    (
        r"(?m)^\s*(?:export\s+)?TUNNEL_\w+=",
        "variables of an environment, perhaps with a secret: give the config.yml that cloudflared reads",
    ),
    (
        r"(?m)^\s*(?:[$#]\s+)?(?:sudo\s+)?(?:docker|podman|cloudflared)\s.*\btunnel\b",
        "a command, perhaps with a secret: give the config.yml that its cloudflared reads",
    ),
    (
        r"(?m)^\[(?:Unit|Service)\]\s*$",
        "a unit of systemd: give the config.yml that its `ExecStart` names",
    ),
    (r"(?m)^```", "Markdown: give what stands between two lines with ```"),
    (
        r'(?m)^\s*(?:resource|module|variable|locals|terraform|provider|data)\s*(?:"[^"]*"\s*)*\{',
        "Terraform: give what its `config` says, or what Cloudflare's API answers, as by: jq .result.config",
    ),
    (
        r"(?i)\A\s*<(?:!doctype|html|\?xml)",
        "a web page, perhaps that of an error: fetch the file again",
    ),
    (
        r"(?mi)^\s*<(?:VirtualHost|Directory|Location)\b",
        "a configuration of Apache: write each `ServerName` as a rule's `hostname`, its `ProxyPass` as `service`",
    ),
    (
        r"(?m)^\[\[?[\w.\"-]+\]\]?\s*$",
        "TOML or an INI file, as frp's: write each of its services as a rule with `hostname` and `service`",
    ),
    (
        r'(?m)^\s*(?:\{[^{}\n]*\}\s*:|\{\s*[\w.]+\s*=|[\w.-]+(?:\."[^"\n]*")*[\w.-]*\s*=\s*(?:[{["]|true|false|with|let)|let$|with\s+\w+;)',
        "Nix: print its value, as by: nix eval --json --file FILE services.cloudflared.tunnels, for a flake's module by: "
        "nix eval --json .#nixosConfigurations.HOST.config.services.cloudflared.tunnels, and give that as rules: each "
        "hostname of a tunnel's `ingress`, and its `default` as the last one",
    ),
    (
        r"(?m)^\s*(?:server|upstream|http|events)\s*\{",
        "a configuration of nginx: write each `server_name` as a rule's `hostname`, its `proxy_pass` as `service`",
    ),
    (
        r"(?m)^\s*(?:https?://)?[\w.*-]+(?::\d+)?(?:, *[\w.*-]+(?::\d+)?)*\s*\{\s*$",
        "a Caddyfile: write each of its sites as a rule with `hostname` and `service`",
    ),
)
"""What the text of a file that is no YAML has somewhere, and what to say of it."""


_OTHER_BLANK = re.compile("[\u00a0\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000]")
_TYPES: dict[tuple[str, type | None], str] = {
    ("ingress", dict): "Begin each rule with '- '.",
    ("hostname", list): "Write a rule for each hostname.",
    ("hostname", dict): "Put a text with braces in quotes.",
    ("hostname", None): "Or begin a second rule with '- '.",
    ("service", None): "Or begin a second rule with '- '.",
    ("originRequest", list): "Write its keys without '- '.",
    ("service", dict): "Write the service as one text, such as http://localhost:3000.",
}
"""By the last part of a place and the type of what was found there, or `None` where the key is there twice."""


def name_other_kind(values: Mapping[str, Any]) -> str | None:
    """Says what a file is that has no key of cloudflared's, by those that it has; `None` for any other file."""
    if values.keys() & {"tunnelConfig", "tunnelSecrets"}:
        return _CHART
    if values.keys() & {"ingress", "tunnel", "url", "credentials-file"}:
        return None
    if any(str(key).startswith("argoweb:") for key in _as_mapping(values.get("config"))):
        return "a stack file of Pulumi's: its sites are checked by `pulumi preview`"
    if isinstance(_as_mapping(values.get("config")).get("ingress"), list):
        return "a configuration as Cloudflare's API has it: give its `config`, as by: jq .config"
    if "tunnels" in _as_mapping(_as_mapping(values.get("services")).get("cloudflared")):
        return _NIXOS
    for keys, text in _KEYS:
        if keys <= values.keys():
            return text.format(kind=values.get("kind"), give=_advise_kubernetes(values))
    return None


def _advise_kubernetes(values: Mapping[str, Any]) -> str:
    """Says what to give in place of an object of Kubernetes'."""
    data = [key for key in _as_mapping(values.get("data")) if str(key).endswith((".yml", ".yaml"))]
    if data:
        return f"give what stands under `data`, in `{data[0]}`"
    if values.get("kind") in ("ConfigMap", "Secret"):
        return "give what stands under `data`"
    if re.search("Ingress|Route", str(values.get("kind"))):
        return "write each of its hosts as a rule with `hostname` and `service`"
    return "give the config.yml that its cloudflared reads, which a ConfigMap may have under `data`"


def name_other_language(data: bytes) -> str | None:
    """Says what a file is that is no YAML, by its text; `None` for any other file."""
    text = data.decode("utf-8", "replace")
    return next((kind for pattern, kind in _TEXTS if re.search(pattern, text)), None)


def _as_mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def advise_on_yaml(data: bytes, line: int) -> str | None:
    """Says what is likely wrong with a line that YAML's reader refuses, or with one before it; `None` if that is not known."""
    if b"\0" not in data and "\ufffd" in data.decode("utf-8", "replace"):
        return "Save the file as UTF-8."
    lines = data.decode("utf-8", "replace").splitlines()
    if line > len(lines):  # the file ends too early
        odd = (number for number, each in enumerate(lines, 1) if _is_open(each))
        return next((f"A quote in line {number} is not closed." for number in odd), None)
    near = [number for number in (line, line - 1) if number >= 1]
    for number in near:
        if (blank := _OTHER_BLANK.search(lines[number - 1])) is not None:
            return f"Line {number} has a blank of another kind (U+{ord(blank[0]):04X}); write a plain one."
    for number in near:  # which moves the lines after it out of line
        if re.match(r"\s*-\w+:", lines[number - 1]):
            return f"Put a blank behind the '-' in line {number}."
    found = (_advise_on_line(lines, number) for number in near)
    return next((advice for advice in found if advice is not None), None)


def advise_on_type(where: str, found: type | None) -> str | None:
    """Says what to do about a value of another type than its key takes, where people mean the same by it.

    `found` is `None` where the key is there twice.
    """
    key = re.sub(r"\[\d+\]", "", where).rpartition(".")[2]
    return _TYPES.get((key, found))


def advise_on_template(data: bytes, line: int) -> str | None:
    """Says that a line has a placeholder that was to be filled in; `None` if it has none."""
    lines = data.decode("utf-8", "replace").splitlines()
    if 1 <= line <= len(lines) and re.search(
        r"\{\{.*\}\}|\{%.*%\}|\$\{\w+\}|<%.*%>", lines[line - 1]
    ):
        return f"Line {line} is one of a template; fill it in first."
    return None


def advise_on_text(data: bytes, line: int, *, no_rules: bool) -> str | None:
    """Says that characters look like others, or that rules stand where no one reads them; `None` if neither is so."""
    text = data.decode("utf-8", "replace")
    lines = text.splitlines()
    if 1 <= line <= len(lines) and re.search("[“”„‘’‚«»]", lines[line - 1]):
        return f"Line {line} has curly quotes; write \" or ' in their place."
    if not no_rules:
        return None
    blank = (number for number, each in enumerate(lines, 1) if each.lstrip(" \t")[:1] == "\xa0")
    if (number := next(blank, None)) is not None:
        return f"Line {number} begins with a no-break space; indent it by plain blanks."
    if re.search(r"(?ms)^\s*[^#\s].*^---\s.*^ingress:", text):
        return "Only what stands before the second '---' is read."
    return None


def _is_open(line: str) -> bool:
    """Whether a quote that begins a value is not closed on its line."""
    value = re.match(r"\s*(?:-\s+)?[\w-]+\s*:\s+([\"'])(.*)$", line)
    return value is not None and value[1] not in value[2]


def _advise_on_line(lines: list[str], number: int) -> str | None:
    line = lines[number - 1]
    key = re.match(r"\s*(?:-\s+)?([\w-]+)\s*:", line)
    name = f"'{key[1]}' in line {number}" if key else f"line {number}"
    written = [each for each in lines[: number - 1] if each.split("#")[0].strip()]
    before = written[-1] if written else ""
    above = any(each.startswith("ingress:") for each in lines[:number])
    if not above and re.match(r"\s+- ", line) and re.match(r"\s*[\w-]+:\s+[^\s#]", before):
        return f"The list that begins in line {number} has no key; write 'ingress:' in a line before it."
    if (star := re.search(r"(?::|-)\s+(\*[^\s#]*)", line)) is not None:
        return f"Put a text that begins with '*' in quotes: \"{star[1]}\"."
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return f"Line {number} begins with a tab; indent it by blanks."
    if (bare := re.search(r":\s+((?:[@`%!]|&(?!\w+\s+\S))[^\s#]*)", line)) is not None:
        return f"Put a text that begins with '{bare[1][0]}' in quotes: \"{bare[1]}\"."
    if (double := re.match(r"\s*(?:-\s+)?[\w-]+:\s+([^\"'\[{#]*\w:\s.*)$", line)) is not None:
        return f"A colon with a blank behind it begins a value; take the blank out of '{double[1].strip()}', or put it in quotes."
    if (
        joined := re.match(
            r"\s*(?:-\s+)?(hostname|service|path|tunnel|credentials-file|originRequest|ingress):(\S.*)$",
            line,
        )
    ) is not None:
        return f"Put a blank behind the colon: '{joined[1]}: {joined[2]}'."
    if re.search(r':\s+"[^"]*\\[^"]*"', line):
        return f"In double quotes a '\\' begins an escape; put the text of line {number} in single ones."
    if _is_open(line):
        return f"A quote in line {number} is not closed."
    return _advise_on_indentation(lines, number, name)


def _advise_on_indentation(lines: list[str], number: int, name: str) -> str | None:
    """Names the key before it with which a key does not stand in line."""
    at = _find_column(lines[number - 1])
    for before in range(number - 2, -1, -1):
        other = lines[before]
        key = re.match(r"\s*(?:-\s+)?([\w-]+)\s*:", other)
        if key is None:
            continue
        distance = _find_column(other) - at
        if 0 < abs(distance) <= 2:
            side = "left" if distance > 0 else "right"
            count = "one column" if abs(distance) == 1 else f"{abs(distance)} columns"
            return f"{name} stands {count} {side} of '{key[1]}' in line {before + 1}."
        return None
    return None


def _find_column(line: str) -> int:
    """Gives the column where the key of a line stands, behind the '-' of an item."""
    found = re.match(r"\s*(?:-\s+)?", line)
    return found.end() if found else 0
