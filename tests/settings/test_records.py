"""What the stack file says of a hostname's record."""

from typing import Any

import pytest

from settings import FindingsError
from settings.reading.build import build


def test_the_sites_of_a_hostname_agree_on_its_record(prod: dict[str, Any]) -> None:
    site = {"hostname": "www.example.com", "root": "/srv/www", "path": "^/x"}
    prod["sites"] = [
        {**site, "dns": {"comment": "ours"}},
        {**site, "path": "^/y", "dns": {"comment": "theirs"}},
    ]

    with pytest.raises(FindingsError) as refused:
        build(prod, deployment="argoweb/prod")

    assert refused.value.problems == (
        "argoweb:sites[1].dns: differs from argoweb:sites[0].dns, but 'www.example.com' has one record. "
        "Leave one of them out.",
    )


def test_what_one_site_says_of_a_hostnames_record_holds_for_its_others(
    prod: dict[str, Any],
) -> None:
    site = {"hostname": "www.example.com", "root": "/srv/www"}
    prod["sites"] = [{**site, "path": "^/x"}, {**site, "dns": {"comment": "ours"}}]

    (named,) = build(prod, deployment="argoweb/prod").named.values()

    assert named.dns.comment == "ours"


def test_a_stacks_name_leaves_room_for_the_mark_of_its_records(prod: dict[str, Any]) -> None:
    with pytest.raises(FindingsError) as refused:
        build(prod, deployment="argoweb/" + "x" * 100)

    assert refused.value.problems == (
        f"argoweb:sites: the comment 'argoweb argoweb/{'x' * 100}' of their records is longer than 100 characters. "
        "Shorten the stack's name.",
    )
