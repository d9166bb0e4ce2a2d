"""What people have reported of such set-ups, kind by kind: what is said of each, and what is not."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from importing.file import read
from render import render_caddyfile
from settings import FindingsError
from settings.reading.build import build

KINDS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "reports.yaml").read_text(encoding="utf-8")
)
SAID = Path(__file__).with_name("said.txt")


def cases(part: str) -> list[Any]:
    """The stacks of a part of each kind."""
    return [
        pytest.param(case, id=case.get("id", f"{kind['kind'][:40]}-{number}"))
        for kind in KINDS
        for number, case in enumerate(kind.get(part, []))
    ]


def stack(prod: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """The example with what a case changes of it."""
    given = {key: value for key, value in case.items() if key not in ("id", "at")}
    sites = [{"hostname": "a.example.com", **site} for site in given.get("sites", [])]
    return prod | given | ({"sites": sites} if sites else {})


def said(values: dict[str, Any]) -> list[tuple[str, str]]:
    """What the preview says of a stack, each with its place."""
    try:
        findings = build(values, deployment="argoweb/prod").warnings
    except FindingsError as error:
        findings = error.findings
    return [(each.place, each.message) for each in findings]


@pytest.mark.parametrize("case", cases("says"))
def test_the_preview_says_what_is_wrong_with_it_where_it_stands(
    prod: dict[str, Any], case: dict[str, Any]
) -> None:
    found = said(stack(prod, case))

    for place, text in case["at"].items():
        assert [it for it in found if it[0] == place and text in it[1]], (place, text, found)


def test_all_that_the_preview_says_of_each_is_what_was_read_last(prod: dict[str, Any]) -> None:
    text = "".join(
        f"{case.id}\n"
        + "".join(f"  {place}: {it}\n" for place, it in said(stack(prod, *case.values)))
        for case in cases("says")
    )

    if "WRITE" in os.environ:  # as `make messages` does
        SAID.write_text(text, encoding="utf-8")
    assert text == SAID.read_text(encoding="utf-8"), "run `make messages` and read what has changed"


@pytest.mark.parametrize("case", cases("silent"))
def test_nothing_is_said_of_what_is_right(prod: dict[str, Any], case: dict[str, Any]) -> None:
    assert said(stack(prod, case)) == []


def as_file(case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The sites of a case that are rules of cloudflared's file as they stand."""
    for site in case.get("sites", []):
        if "service" in site:
            yield {"hostname": "a.example.com", **{k: v for k, v in site.items() if k != "dns"}}


@pytest.mark.parametrize("case", [c for c in cases("says") if [*as_file(c.values[0])]])
def test_check_says_the_same_of_the_same_rule(prod: dict[str, Any], case: dict[str, Any]) -> None:
    sites, rules = stack(prod, case)["sites"], [*as_file(case)]
    places = [f"argoweb:sites[{index}]" for index, site in enumerate(sites) if "service" in site]
    file = {"ingress": [*rules, {"service": "http_status:404"}]}
    checked = read(yaml.safe_dump(file).encode()).problems
    found = [(problem.place, problem.message) for problem in checked]

    for place, text in said(stack(prod, case)):
        site, _, key = place.partition("].")
        # A part of the stack's own is known to the stack alone.
        if (
            f"{site}]" in places
            and "20251" not in text
            and "2020" not in text
            and "x.sock" not in text
        ):
            where = f"ingress[{places.index(f'{site}]')}].{key}"
            assert (where, text) in found


def test_a_redirect_leads_to_the_name_that_dns_has(prod: dict[str, Any]) -> None:
    prod["zones"] = [{"name": "bücher.example"}]
    prod["sites"] = [
        {"hostname": "bücher.example", "redirect": "https://www.bücher.example/grüße{uri}"}
    ]

    text = render_caddyfile(build(prod, deployment="argoweb/prod"))

    assert "https://www.xn--bcher-kva.example/gr%C3%BC%C3%9Fe{uri}" in text
    assert text.isascii()
