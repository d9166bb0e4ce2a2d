"""Rules of policies and groups: lists of objects with one selector each."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidAccessRequest

LISTS = ("include", "exclude", "require")

FIELDS: Mapping[str, tuple[str, ...]] = {
    "email": ("email",),
    "email_domain": ("domain",),
    "email_list": ("id",),
    "everyone": (),
    "ip": ("ip",),
    "ip_list": ("id",),
    "geo": ("country_code",),
    "login_method": ("id",),
    "group": ("id",),
    "service_token": ("token_id",),
    "any_valid_service_token": (),
    "certificate": (),
    "common_name": ("common_name",),
    "auth_method": ("auth_method",),
    "device_posture": ("integration_uid",),
    "external_evaluation": ("evaluate_url", "keys_url"),
    "azureAD": ("id", "identity_provider_id"),
    "github-organization": ("name", "identity_provider_id"),
    "gsuite": ("email", "identity_provider_id"),
    "okta": ("name", "identity_provider_id"),
    "saml": ("attribute_name", "attribute_value", "identity_provider_id"),
    "oidc": ("claim_name", "claim_value", "identity_provider_id"),
}
"""The selectors by their keys, and the fields that each has to have."""
_MORE = {"github-organization": ("team",)}
REFERENCES = {"group": ("groups", "id"), "service_token": ("service_tokens", "token_id")}
"""Selectors that name another object of the account: its kind, and the field with its id."""
IDENTITY = frozenset(FIELDS) - {
    *("everyone", "ip", "ip_list", "geo", "certificate", "common_name", "device_posture"),
    *("service_token", "any_valid_service_token", "group", "external_evaluation"),
}
"""Those that only a login can answer."""


def checked(name: str, given: object) -> list[dict[str, Any]]:
    """A list of rules as the API keeps it: an address without a prefix length gets one; null is no rule.

    Raises:
        InvalidAccessRequest: a rule is none.
    """
    if given is None:
        return []
    if not isinstance(given, list):
        raise InvalidAccessRequest(f"{name} must be a list of rules")
    return [_rule(name, each) for each in given]


def _rule(name: str, given: object) -> dict[str, Any]:
    if not isinstance(given, dict) or len(given) != 1:
        raise InvalidAccessRequest(f"each rule of {name} must be an object with one selector")
    ((key, value),) = given.items()
    if key not in FIELDS:
        raise InvalidAccessRequest(f"{name} has the unknown selector {key}")
    wanted = FIELDS[key]
    if not isinstance(value, dict) or not set(wanted) <= set(value) <= {
        *wanted,
        *_MORE.get(key, ()),
    }:
        raise InvalidAccessRequest(
            f"selector {key} of {name} must have {', '.join(wanted) or 'no fields'}"
        )
    if any(not isinstance(text, str) or not text.strip() for text in value.values()):
        raise InvalidAccessRequest(f"selector {key} of {name} has an empty value")
    if key == "ip":
        try:
            return {key: {"ip": str(ipaddress.ip_network(value["ip"]))}}
        except ValueError as error:
            raise InvalidAccessRequest(f"invalid ip: {error}") from error
    if key == "geo" and not (len(value["country_code"]) == 2 and value["country_code"].isalpha()):
        raise InvalidAccessRequest(f"invalid country code {value['country_code']}")
    if key == "email" and "@" not in value["email"]:
        raise InvalidAccessRequest(f"invalid email {value['email']}")
    return {key: dict(value)}
