"""The API: authentication, faults, the log, and the envelope around every result."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

from . import tunnel_routes, zone_routes
from .errors import ApiError, AuthenticationError, UnknownInput, UnknownPath
from .http import Headers, Request, Response
from .journal import Fault, Journal
from .models import Token
from .routes import Call, Json, LiveConnections, find_route
from .store import Store

BASE = "/client/v4"
ROUTES = (*zone_routes.ROUTES, *tunnel_routes.ROUTES)

# The provider waits minutes between its ten tries of a 409; this header keeps the tries only.
RETRY_SOON: Headers = [("Retry-After-Ms", "10")]

# Cloudflare's Browser Integrity Check, which stands before the API, turns Python's own client away by its name.
TURNED_AWAY = "Python-urllib"


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
        if fault.status is None:
            return answer or self._answer(request)
        headers = list(fault.headers.items())
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
        if not self._token(request).allows(route.permission):
            raise AuthenticationError()
        body = parsed_body(request.body)
        route.check_names(request.query, body)
        reply = route.handler(
            Call(
                store=self._store,
                live=self._live,
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
        return Response.of_json(200, envelope)

    def _token(self, request: Request) -> Token:
        scheme, _, value = (request.head.get("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or value not in self._store.tokens:
            raise AuthenticationError()
        return self._store.tokens[value]


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
