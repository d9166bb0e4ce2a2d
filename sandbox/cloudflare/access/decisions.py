"""Who may come in: policies, asked in the order in which the edge asks them."""

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..models import AccessObject
from ..store import Store
from .destinations import Destination, parsed
from .selectors import IDENTITY, LISTS

COUNTRY = "XX"
"""Where all visitors of the sandbox come from."""
_AT_LOGIN = IDENTITY | {"everyone", "group", "external_evaluation"}
"""Selectors that are asked at the login alone."""

Rule = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Whom a policy is asked about; `email` and `login_method` are known after a login."""

    address: str
    email: str | None = None
    login_method: str | None = None
    service_token: str | None = None
    """The id of the service token that the request has."""


def application(store: Store, account_id: str, host: str, target: str) -> AccessObject | None:
    """The application that has a request: that with the most specific destination. Nothing is inherited."""
    found: list[tuple[Destination, AccessObject]] = [
        (destination, app)
        for app in store.access.values()
        if (app.kind, app.account_id) == ("apps", account_id)
        for destination in map(parsed, app.body["self_hosted_domains"])
        if destination.covers(host, target)
    ]
    return max(found, key=lambda each: each[0].rank)[1] if found else None


@dataclass(frozen=True)
class Policies:
    """The policies of an application."""

    store: Store
    app: AccessObject

    def __iter__(self) -> Iterator[AccessObject]:
        """In the order of their precedence."""
        for each in self.app.body["policies"]:
            yield self.store.access[each["id"]]

    def deciding(self, *decisions: str) -> list[AccessObject]:
        """Those with one of some decisions."""
        return [policy for policy in self if policy.body["decision"] in decisions]

    def bypassing(self, visitor: Visitor) -> bool:
        """Whether a bypass lets the visitor through unseen."""
        unknown = replace(visitor, service_token=None)
        return any(self._matches(policy, unknown) for policy in self.deciding("bypass"))

    def serving(self, visitor: Visitor) -> AccessObject | None:
        """The policy for services that lets the visitor in; a service token counts in those alone."""
        for policy in self.deciding("non_identity"):
            if self._matches(policy, visitor):
                return policy
        return None

    def admitting(self, visitor: Visitor) -> AccessObject | None:
        """The policy by which somebody who has logged in comes in; the first that matches decides."""
        person = replace(visitor, service_token=None)
        for policy in self.deciding("allow", "deny"):
            if self._matches(policy, person):
                return policy if policy.body["decision"] == "allow" else None
        return None

    def still_admitting(self, visitor: Visitor, admitted: str) -> bool:
        """Whether one who came in by a policy stays in: what is not asked at the login alone is asked again."""
        for policy in self.deciding("allow", "deny"):
            if policy.id == admitted:
                lists = (_again(policy.body[name]) for name in LISTS)
                include, exclude, require = lists
                whole = len(include) < len(policy.body["include"])
                return (
                    (whole or self._any(include, visitor))
                    and all(self._holds(rule, visitor) for rule in require)
                    and not self._any(exclude, visitor, unsure=True)
                )
            if policy.body["decision"] == "deny" and self._matches(
                policy, replace(visitor, email=None)
            ):
                return False
        return False  # fmt: skip

    def _matches(self, thing: AccessObject, visitor: Visitor, *, unsure: bool = False) -> bool:
        """Any of `include`, all of `require`, none of `exclude`."""
        body = thing.body
        return (
            self._any(body["include"], visitor, unsure=unsure)
            and all(self._holds(rule, visitor, unsure=unsure) for rule in body["require"])
            and not self._any(body["exclude"], visitor, unsure=not unsure)
        )

    def _any(self, rules: list[Rule], visitor: Visitor, *, unsure: bool = False) -> bool:
        return any(self._holds(rule, visitor, unsure=unsure) for rule in rules)

    def _holds(self, rule: Rule, visitor: Visitor, *, unsure: bool = False) -> bool:
        """Whether a rule holds; one of a kind that is not imitated is as `unsure` says: never in a visitor's favour."""
        ((key, value),) = rule.items()
        if key == "group":
            return self._matches(self.store.access[value["id"]], visitor, unsure=unsure)
        test = _TESTS.get(key)
        return unsure if test is None else test(value, visitor)


def _again(rules: list[Rule]) -> list[Rule]:
    return [rule for rule in rules if not set(rule) & _AT_LOGIN]


def _in_network(value: Mapping[str, str], visitor: Visitor) -> bool:
    return ipaddress.ip_address(visitor.address) in ipaddress.ip_network(value["ip"])


def _has_domain(value: Mapping[str, str], visitor: Visitor) -> bool:
    domain = (visitor.email or "").rpartition("@")[2]
    return domain.lower() == value["domain"].lower().lstrip("@")


_TESTS: Mapping[str, Callable[[Any, Visitor], bool]] = {
    "everyone": lambda value, visitor: True,
    "email": lambda value, visitor: value["email"].lower() == (visitor.email or "").lower(),
    "email_domain": _has_domain,
    "ip": _in_network,
    "geo": lambda value, visitor: value["country_code"].upper() == COUNTRY,
    "login_method": lambda value, visitor: value["id"] == visitor.login_method,
    "service_token": lambda value, visitor: value["token_id"] == visitor.service_token,
    "any_valid_service_token": lambda value, visitor: visitor.service_token is not None,
}
