"""What becomes of a record's tags: from the stack file through the provider to Cloudflare's API."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from components import Records, RecordsArgs
from components.deploy import make_record
from existing import OwnState, look_up
from sandbox.plugins.base import Call, Log
from sandbox.plugins.cloudflare import DnsRecord
from sandbox.plugins.cloudflare_api import Api
from settings.reading.build import build
from tests.components.program import registered
from tests.existing.conftest import ACCOUNT, TOKEN, ZONE, Cloudflare, cloudflare

__all__ = ["cloudflare"]

NAME = "www.example.com"
CALL = Call(name=NAME, preview=False, cancelled=threading.Event(), log=Log(None, NAME))


class Stack:
    """A site whose record the provider keeps as the stack file has it."""

    def __init__(self, cloudflare: Cloudflare) -> None:
        self._cloudflare = cloudflare
        api = Api()
        api.url, api.token = cloudflare.api_url, TOKEN
        self._provider = DnsRecord(api)
        self._id = ""
        self._state: Any = {}
        self._inputs: Any = {}

    def up(self, *tags: str) -> tuple[str, ...]:
        """What the provider changes for these tags."""
        news = self._registered(tags)
        if not self._id:
            self._id, self._state = self._provider.create(CALL, news)
            self._inputs = news
            return ()
        found = self._provider.diff(self._state, self._inputs, news)
        if found.diffs:
            self._state = self._provider.update(CALL, self._id, self._state, self._inputs, news)
        self._inputs = news
        assert not found.replaces
        return tuple(found.diffs)

    def _registered(self, tags: tuple[str, ...]) -> dict[str, Any]:
        """What the program asks the engine for."""
        site = {"hostname": NAME, "root": "/srv/www", "dns": {"tags": [*tags]}}
        values = {
            "accountId": ACCOUNT,
            "zones": [{"name": "example.com", "id": ZONE}],
            "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
            "sites": [site],
        }
        settings = build(values, deployment="argoweb/prod")
        own = OwnState(records={(ZONE, NAME): self._state} if self._id else {})
        found = look_up(settings, self._cloudflare.access(), own)
        args = RecordsArgs(target="t.cfargotunnel.com", records=[*map(make_record, found.claims)])
        asked: dict[str, Any] = registered(lambda: Records("records", args))
        inputs: dict[str, Any] = asked[f"records-{NAME}"]["object"]
        return inputs

    def tags(self) -> list[str]:
        """Those of the record at Cloudflare."""
        (record,) = self._cloudflare.control("/dump")["records"]
        found: list[str] = record["tags"]
        return found


@pytest.fixture
def stack(cloudflare: Cloudflare) -> Iterator[Stack]:
    yield Stack(cloudflare)
    assert cloudflare.control("/violations") == []


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ((), ("team:web",), True),
        (("team:web",), ("team:web", "cost:1"), True),
        (("team:web",), ("team:mail",), True),
        (("team:web", "cost:1"), ("cost:1",), True),
        (("team:web",), (), True),
        (("team:web", "cost:1"), ("cost:1", "team:web"), False),
        ((), (), False),
    ],
)
def test_a_records_tags_are_those_of_the_stack_file_and_removed_ones_go(
    stack: Stack, before: tuple[str, ...], after: tuple[str, ...], changed: bool
) -> None:
    stack.up(*before)
    first = stack.tags()

    found = stack.up(*after)

    assert sorted(first) == sorted(before)
    assert sorted(stack.tags()) == sorted(after)
    assert found == (("tags",) if changed else ())
