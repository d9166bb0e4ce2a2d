"""Operations of the API: method and path to handler, with the names each one accepts."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote

from .errors import AuthenticationError, UnknownInput, UnknownPath
from .models import Token, Tunnel
from .store import Store

Json = dict[str, Any]


class LiveConnections(Protocol):
    """What the API asks of the far end of the tunnels."""

    def connections(self, tunnel_id: str) -> list[Json]:
        """The live connections in the API's form."""

    def disconnect(self, tunnel_id: str, connector_id: str | None = None) -> int:
        """Close control connections; returns how many."""

    def push(self, tunnel_id: str) -> None:
        """Gives the connectors of a tunnel its rules, where it has them from the dashboard."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request that found its operation."""

    store: Store
    live: LiveConnections
    token: Token
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Json

    def sees(self, tunnel_id: str) -> bool:
        """Whether the token's roles reach the tunnel."""
        return self.token.tunnels is None or tunnel_id in self.token.tunnels

    def tunnel(self, *, deleted: bool = False) -> Tunnel:
        tunnel = self.store.tunnel(self.path["acc"], self.path["id"], deleted=deleted)
        if not self.sees(tunnel.id):
            raise AuthenticationError
        return tunnel


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The `result` of an answer and what else its envelope has."""

    result: Any
    messages: list[Json] = field(default_factory=list)
    result_info: Json | None = None
    status: int = 200


@dataclass(frozen=True, kw_only=True)
class Route:
    """An operation. `template` has {names}; `fields` None means that no body is accepted."""

    method: str
    template: str
    handler: Callable[[Call], Reply]
    permission: str | None = None
    query: frozenset[str] = frozenset()
    fields: frozenset[str] | None = None

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The values of the template's names, None when this is another operation."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template)
        found = re.fullmatch(pattern, path)
        if found is None or method != self.method:
            return None
        return {name: unquote(value) for name, value in found.groupdict().items()}

    def check_names(self, query: Mapping[str, str], body: Json | None) -> None:
        """Refuse names the operation does not have."""
        refuse_unknown("query parameter", query, self.query)
        if body is not None and self.fields is None:
            raise UnknownInput(f"{self.method} {self.template} takes no body")
        refuse_unknown("body field", body or {}, self.fields or frozenset())


def refuse_unknown(kind: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raise `UnknownInput` for names outside `known`."""
    unknown = sorted(set(given) - known)
    if unknown:
        raise UnknownInput(
            f"unknown {kind} {', '.join(unknown)}; known: {', '.join(sorted(known)) or 'none'}"
        )


PAGING = frozenset({"page", "per_page"})


def paged(items: Sequence[Any], query: Mapping[str, str], *, default: int, limit: int) -> Reply:
    """One page of a list; a page beyond the last one is empty."""
    page = _whole(query, "page", 1, 1_000_000)
    per_page = _whole(query, "per_page", default, limit)
    shown = list(items[(page - 1) * per_page : page * per_page])
    return Reply(
        result=shown,
        result_info={
            "page": page,
            "per_page": per_page,
            "count": len(shown),
            "total_count": len(items),
            "total_pages": -(-len(items) // per_page),
        },
    )


def _whole(query: Mapping[str, str], name: str, default: int, limit: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= limit):
        raise UnknownInput(f"{name} is {text!r}; expected a whole number from 1 to {limit}")
    return int(text)


def find_route(routes: Sequence[Route], method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The operation and the values of its names; `UnknownPath` when there is none."""
    for route in routes:
        values = route.match(method, path)
        if values is not None:
            return route, values
    raise UnknownPath(path)
