"""`make messages`: writes what each row of rejected.yaml is told, for a review to read, and the page of all codes."""

import copy
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import yaml

from settings import FindingsError
from settings.reading.build import build
from values.findings import KINDS, Finding, Severity

HERE = Path(__file__).parent
ROWS: list[dict[str, Any]] = yaml.safe_load((HERE / "rejected.yaml").read_text())
SNAPSHOT = HERE / "messages.txt"
PAGE = HERE.parents[1] / "docs" / "findings.md"
_ROOMS = ("values", "cloudflared", "importing", "settings", "existing", "components", "package")
_HEAD = """# What is found, by its code

Made from the code by `make messages`. A message may be worded anew, its code stays: programs read it with `--json`.

```yaml
config:
  argoweb:accept: [path-unanchored, site-loop]
```

silences warnings by their codes, which a preview and an update show behind each, what a server says there too; what is
silenced is said in one line. An error cannot be silenced. Where it says `doubt`, cloudflared takes what cannot work: an
error in a stack, a warning of `python -m ingress check`.

| code | | what is found |
|---|---|---|
"""
_RUNNING = """
## Of what runs

[The command line](commands.md) finds these, whatever is accepted, and looks at what the first `pulumi up` needs. Where a
server does not take a change, or visitors do not reach a site after it, `pulumi up` says the code of the reason, too.

| code | | what is found | what to do |
|---|---|---|---|
"""
EXAMPLE: dict[str, Any] = {
    key.removeprefix("argoweb:"): value
    for key, value in yaml.safe_load((HERE.parents[1] / "Pulumi.prod.yaml").read_text())[
        "config"
    ].items()
}
"""The keys of Pulumi.prod.yaml, without their namespace."""
_ABSENT = object()


def changed(values: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy with the value at the dotted place set, or taken away."""
    result = copy.deepcopy(values)
    *way, last = place.split(".")
    inner: Any = result
    for step in way:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    if value is _ABSENT:
        del inner[last]
    elif isinstance(inner, list):
        inner[int(last)] = value
    else:
        inner[last] = value
    return result


def changed_by(row: dict[str, Any]) -> dict[str, Any]:
    """The example, changed as a row says; without `value` the key is taken away."""
    return changed(EXAMPLE, row["place"], row.get("value", _ABSENT))


def findings(row: dict[str, Any]) -> tuple[Finding, ...]:
    """What is wrong with the example once it is changed as a row says."""
    try:
        build(changed_by(row), deployment="argoweb/prod")
    except FindingsError as error:
        return error.findings
    return ()


def snapshot() -> str:
    """Every row with its messages."""
    return (
        "\n".join(
            "\n  ".join(
                [f"{row['place']} = {row.get('value', 'absent')!r}", *map(str, findings(row))]
            )
            for row in ROWS
        )
        + "\n"
    )


def page() -> str:
    """docs/findings.md: every kind of finding of the product."""
    for room in _ROOMS:
        for module in walk_packages(import_module(room).__path__, f"{room}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    import_module("argoweb.kinds")
    kinds = sorted(KINDS.values(), key=lambda kind: kind.code)
    order = [Severity.ERROR, Severity.DOUBT, Severity.WARNING]
    rows = [
        f"| `{kind.code}` | {severity.value} | {kind.about} |\n"
        for severity in order
        for kind in kinds
        if kind.severity is severity
    ]
    running = [
        f"| `{kind.code}` | {kind.running.value} | {kind.about} | {kind.remedy} |\n"
        for kind in kinds
        if kind.running is not None
    ]
    return "".join([_HEAD, *rows, _RUNNING, *running])


if __name__ == "__main__":
    SNAPSHOT.write_text(snapshot())
    PAGE.write_text(page())
