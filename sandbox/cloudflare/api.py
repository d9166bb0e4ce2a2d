"""The API: authentication, faults, the log, and the envelope around every result."""

import asyncio
import json
import re
import time
from collections.abc import Sequence
from typing import Any

from . import alerting, tunnel_routes, zone_routes
from .access import routes as access_routes
from .errors import (
    AddressNotAllowed,
    ApiError,
    AuthenticationError,
    InvalidHeaders,
    InvalidToken,
    UnknownInput,
    UnknownKey,
    UnknownPath,
    known,
)
from .http import Headers, Request, Response
from .journal import Fault, Journal
from .models import Token
from .routes import Call, Json, LiveConnections, find_route
from .store import Store

BASE = "/client/v4"
VERIFY = (zone_routes.VERIFY, zone_routes.VERIFY_OF_ACCOUNT)
ROUTES = (*zone_routes.ROUTES, *tunnel_routes.ROUTES, *access_routes.ROUTES, *alerting.ROUTES)

# The provider waits minutes between its ten tries of a 409; this header keeps the tries only.
RETRY_SOON: Headers = [("Retry-After-Ms", "10")]

# Cloudflare's Browser Integrity Check, which stands before the API, turns Python's own client away by its name.
TURNED_AWAY = "Python-urllib"

TOKEN_FORM = re.compile(r"[A-Za-z0-9_-]{40,80}")
KEY_FORM = re.compile(r"[0-9a-f]{37,45}|cfk_[0-9A-Za-z]{40,60}")
CLIENT = "127.0.0.1"  # everything listens on the loopback


class Api:
    """Answers requests below /client/v4."""

    def __init__(self, store: Store, live: LiveConnections, journal: Journal) -> None:
        self._store = store
        self._live = live
        self._journal = journal

    async def handle(self, request: Request) -> Response | None:
        """The answer, or None when a fault drops the connection."""
        entry: Json = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "body": logged_body(request.body),
            "status": None,
            "time": time.time(),
        }
        self._journal.requests.append(entry)
        fault = self._journal.take_fault(request)
        response = await self._faulty(request, fault) if fault else self._answer(request)
        entry["status"] = None if response is None else response.status
        return response

    async def _faulty(self, request: Request, fault: Fault) -> Response | None:
        answer = self._answer(request) if fault.after_commit else None
        await asyncio.sleep(fault.delay_ms / 1000)
        if fault.drop:
            return None
        headers = list(fault.headers.items())
        if fault.code is not None:
            error = known(fault.code)
            return Response.of_json(error.status, error_body(error.errors, error.causes), headers)
        if fault.status is None:
            return answer or self._answer(request)
        if isinstance(fault.body, str):
            typed = [("Content-Type", "application/json")]
            if any(name.lower() == "content-type" for name in fault.headers):
                typed = []
            return Response(
                status=fault.status, body=fault.body.encode(), headers=[*typed, *headers]
            )
        body = fault.body
        if body is None:
            body = error_body([(fault.status, "Fault asked for by the control plane")])
        return Response.of_json(fault.status, body, headers)

    def _answer(self, request: Request) -> Response:
        if (request.head.get("user-agent") or "").startswith(TURNED_AWAY):
            plain: Headers = [("Content-Type", "text/plain; charset=UTF-8")]
            return Response(status=403, body=b"error code: 1010", headers=plain)
        try:
            return self._perform(request)
        except ApiError as error:
            if error.violation:
                self._journal.violation(request, error.text)
            headers = RETRY_SOON if error.status == 409 else []
            return Response.of_json(error.status, error_body(error.errors, error.causes), headers)

    def _perform(self, request: Request) -> Response:
        if not request.path.startswith(BASE + "/"):
            raise UnknownPath(request.path)
        route, values = find_route(ROUTES, request.method, request.path[len(BASE) :])
        token = self._token(request)
        if token is None:
            raise InvalidToken() if route.template in VERIFY else AuthenticationError()
        if not token.allows(route.permission):
            raise AuthenticationError
        body = parsed_body(request.body)
        route.check_names(request.query, body)
        reply = route.handler(
            Call(
                store=self._store,
                live=self._live,
                token=token,
                path=values,
                query=request.query,
                body=body or {},
            )
        )
        envelope: Json = {
            "success": True,
            "errors": [],
            "messages": reply.messages,
            "result": reply.result,
        }
        if reply.result_info is not None:
            envelope["result_info"] = reply.result_info
        return Response.of_json(reply.status, envelope)

    def _token(self, request: Request) -> Token | None:
        """The token or key that the request has; None when there is no such token."""
        key = request.head.get("x-auth-key")
        if key is not None:
            if not KEY_FORM.fullmatch(key):
                raise InvalidHeaders(6103, "X-Auth-Key")
            email = request.head.get("x-auth-email") or ""
            if "@" not in email:
                raise InvalidHeaders(6102, "X-Auth-Email")
            found = self._store.tokens.get(key)
            if found is None or found.email != email:
                raise UnknownKey
            return found
        scheme, _, value = (request.head.get("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not TOKEN_FORM.fullmatch(value):
            raise InvalidHeaders
        found = self._store.tokens.get(value)
        if found is not None and found.addresses is not None and CLIENT not in found.addresses:
            raise AddressNotAllowed(CLIENT)
        return found


def error_body(errors: list[tuple[int, str]], causes: Sequence[tuple[int, str]] = ()) -> Json:
    found, chain = (
        [{"code": code, "message": message} for code, message in each] for each in (errors, causes)
    )
    return {
        "success": False,
        "errors": [found[0] | {"error_chain": chain}, *found[1:]] if chain else found,
        "messages": [],
        "result": None,
    }


def parsed_body(body: bytes) -> Json | None:
    """The body's object; None when there is no body."""
    if not body:
        return None
    try:
        value = json.loads(body)
    except ValueError as error:
        raise UnknownInput(f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise UnknownInput("the body is not a JSON object")
    return value


def logged_body(body: bytes) -> Any:
    """The body for the log: its JSON value, its text when it is not JSON, None when empty."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode("utf-8", "replace")
