"""Errors of the API: a class for each, with Cloudflare's code, HTTP status and message.

Codes and texts are those users of the real API report. Where a text was never seen, the code is
real and the text says what is wrong.
"""

from collections.abc import Iterator
from typing import ClassVar


class ApiError(Exception):
    """An error answer of the API.

    `status` is the HTTP status, `errors` the (code, message) pairs of the body, first one first.
    `violation` marks requests the real API would not understand: they are kept for tests to see.
    """

    code: ClassVar[int] = 1000
    status: ClassVar[int] = 400
    message: ClassVar[str] = "Bad request"
    violation: ClassVar[bool] = False

    def __init__(self, message: str | None = None) -> None:
        self.text = message or self.message
        super().__init__(self.text)

    @property
    def errors(self) -> list[tuple[int, str]]:
        return [(self.code, self.text)]

    @property
    def causes(self) -> list[tuple[int, str]]:
        """The `error_chain` of the first error."""
        return []


def known(code: int) -> ApiError:
    """The error of a code, as the API would answer it; `ValueError` when there is none."""
    for kind in _kinds(ApiError):
        if kind.code == code:
            return kind()
    raise ValueError(f"no error of the API has the code {code}")


def _kinds(kind: type[ApiError]) -> Iterator[type[ApiError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds(each)


class NoRoute(ApiError):
    """The path names nothing, or an account or zone that does not exist."""

    code, status = 7003, 404

    def __init__(self, path: str = "/") -> None:
        super().__init__(f"Could not route to {path}, perhaps your object identifier is invalid?")

    @property
    def errors(self) -> list[tuple[int, str]]:
        return [*super().errors, (7000, "No route for that URI")]


class UnknownPath(NoRoute):
    """No operation of the API has this method and path."""

    violation = True


class UnknownInput(ApiError):
    """A body field or query parameter that the operation does not have, or an unreadable one."""

    code, message, violation = 6003, "Invalid request", True


class AuthenticationError(ApiError):
    """The token is missing, unknown or lacks the permission."""

    code, status, message = 10000, 403, "Authentication error"


class InvalidToken(ApiError):
    """The token is unknown or has expired, as the operations on tokens say it."""

    code, status, message = 1000, 401, "Invalid API Token"


class InvalidHeaders(ApiError):
    """The credentials cannot be any; the cause says which header."""

    code, message = 6003, "Invalid request headers"

    def __init__(self, cause: int = 6111, header: str = "Authorization") -> None:
        super().__init__()
        self._cause = cause, f"Invalid format for {header} header"

    @property
    def causes(self) -> list[tuple[int, str]]:
        return [self._cause]


class UnknownKey(ApiError):
    """No user has this key and address."""

    code, status, message = 9103, 403, "Unknown X-Auth-Key or X-Auth-Email"


class AddressNotAllowed(ApiError):
    """The token has a filter of client addresses, and the client's is not in it."""

    code, status = 9109, 403

    def __init__(self, address: str = "192.0.2.7") -> None:
        super().__init__(f"Cannot use the access token from location: {address}")


class TooManyRequests(ApiError):
    """The user has made more requests than the API takes in five minutes."""

    code, status, message = 971, 429, "Please wait and consider throttling your request speed"


class InvalidTunnel(ApiError):
    """A field of a tunnel has a value outside its rules."""

    code, message = 1004, "Invalid tunnel"


class TunnelNotFound(ApiError):
    """The account has no such tunnel, or it is deleted and the operation needs a living one."""

    code, status, message = 1003, 404, "Tunnel not found"


class TunnelNameTaken(ApiError):
    """Another tunnel of the account that is not deleted has the name."""

    code, status = 1013, 409
    message = (
        "You already have a tunnel with this name. Choose a different name, "
        "or delete the tunnel and try again."
    )


class TunnelHasConnections(ApiError):
    """A tunnel with live connections cannot be deleted."""

    code, message = 1022, "Cannot delete tunnel because it has active connections"


class InvalidConfiguration(ApiError):
    """The ingress rules of a remotely managed tunnel break cloudflared's rules."""

    code, message = 1056, "Bad Configuration"


class InvalidRecord(ApiError):
    """A field of a DNS record has a value outside its rules."""

    code, message = 1004, "DNS Validation Error"


class RecordQuotaExceeded(ApiError):
    """The zone has as many records as its plan allows."""

    code, message = 81045, "Record quota exceeded."


class TooManyTags(InvalidRecord):
    """A record has more tags than the zone's plan allows."""

    def __init__(self, count: int, quota: int) -> None:
        super().__init__()
        self._cause = 9300, f"DNS record has {count} tags, exceeding the quota of {quota}."

    @property
    def causes(self) -> list[tuple[int, str]]:
        return [self._cause]


class RecordNotFound(ApiError):
    """The zone has no record with this id."""

    code, status, message = 81044, 404, "Record does not exist."


class HostTaken(ApiError):
    """A CNAME record cannot be where an address or another CNAME record is."""

    code, message = 81053, "An A, AAAA, or CNAME record with that host already exists."


class HostIsAlias(ApiError):
    """An address record cannot be where a CNAME record is."""

    code, message = 81054, "A CNAME record with that host already exists."


class RecordExists(ApiError):
    """A record has this name, type and content, and differs elsewhere."""

    code, message = 81057, "The record already exists."


class IdenticalRecordExists(ApiError):
    """A record equals this one in every setting."""

    code, message = 81058, "An identical record already exists."


class AccessError(ApiError):
    """An error of Cloudflare Access, whose messages have a prefix and a name of their own."""

    kind: ClassVar[str] = "invalid_request"

    def __init__(self, message: str | None = None) -> None:
        words = f": {text}" if (text := message or self.message) else ""
        super().__init__(f"access.api.error.{self.kind}{words}")


class InvalidAccessRequest(AccessError):
    """A field has a value outside its rules, or names what is not there."""

    code, message = 12130, "the request is invalid"


class ApplicationExists(AccessError):
    """Another application has this domain and path."""

    code, status, kind, message = 11010, 409, "application_already_exists", ""


class AccessConflict(AccessError):
    """An object belongs to another one.

    All that is known of this kind has this code (terraform-provider-cloudflare's own tests of certificates).
    """

    code, status, kind = 12132, 409, "conflict"


class DestinationTaken(AccessConflict):
    """Another application has one of the destinations."""

    message = "destination belongs to another application"


class UnknownApplication(AccessError):
    """The account has no such application."""

    code, status, kind, message = 11021, 404, "unknown_application", ""


class AccessObjectNotFound(AccessError):
    """The account has no such policy, group, service token or identity provider."""

    code, status, kind, message = 12135, 404, "not_found", ""


class PolicyInUse(AccessConflict):
    """An application has the policy, or a policy the group. The status is known, its text is not."""

    message = "cannot delete what is in use"


class ServiceTokenInUse(AccessError):
    """A policy or group names the service token."""

    code, kind = 12139, "service_token_in_use"
    message = "cannot delete service token because it is used by a policy, group, or app SCIM configuration"


class AccessNotEnabled(AccessError):
    """The account has not set up Zero Trust."""

    code, status, kind = 9999, 403, "not_enabled"
    message = (
        "access is not enabled. Visit the Access dashboard at https://one.dash.cloudflare.com/ "
        "and click the 'Enable Access' button."
    )
