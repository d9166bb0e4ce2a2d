"""Access at the edge: what becomes of a request before it goes down the tunnel."""

import json
import re
import secrets
import uuid
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from ..errors import AccessNotEnabled
from ..http import Head, Headers, Response
from ..models import AccessObject
from ..store import Store
from . import service_tokens
from .decisions import COUNTRY, Policies, Visitor, application
from .objects import seconds
from .sessions import Session, Sessions, fingerprint
from .team import Team
from .web import (
    APP_SESSION,
    BINDING,
    SESSION,
    cookie,
    cookies,
    page,
    paragraph,
    redirect,
    set_cookie,
    without_cookie,
)

PLACE = "/cdn-cgi/access/"
ASSERTION, EMAIL = "Cf-Access-Jwt-Assertion", "Cf-Access-Authenticated-User-Email"
CLIENT_ID, CLIENT_SECRET = "cf-access-client-id", "cf-access-client-secret"
UNMATCHED = "error code: 1043"
LOOPBACK_DOMAIN = ".localhost"
"""A team's pages are at its own domain, and at one that each browser finds on the loopback."""
_OWN = {ASSERTION.lower(), EMAIL.lower()}
_DAY = 86400
_HOST = re.compile(r"[a-z0-9_.-]+(:[0-9]+)?", re.IGNORECASE)
_APP_SESSION = re.compile(r"n[0-9a-f]{16}")
_META_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A request that may go on: its head as the origin gets it, and what its answer gets."""

    head: Head
    answer_headers: Headers


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as the gate sees it."""

    head: Head
    host: str
    """In small letters, without a port."""
    address: str
    """The visitor's."""
    port: int
    """The edge's, as the visitor reached it."""

    @property
    def method(self) -> str:
        return self.head.start.split(" ")[0]

    @property
    def target(self) -> str:
        return self.head.start.split(" ")[1]

    @property
    def authority(self) -> str:
        return self.head.get("host") or ""


def team_host(team: Team) -> str:
    """Where browsers find the pages of a team: example.cloudflareaccess.localhost."""
    return team.domain.rpartition(".")[0] + LOOPBACK_DOMAIN


class Gate:
    """Lets requests for an account's hosts through, or answers them."""

    def __init__(self, store: Store, sessions: Sessions) -> None:
        self._store = store
        self._sessions = sessions

    def judge(self, request: Request, account_id: str, zone: str) -> Passage | Response:
        """What becomes of a request for a host in a zone of an account."""
        team = Team(self._store, account_id)
        try:
            organization = team.organization
        except AccessNotEnabled:
            return Passage(head=request.head, answer_headers=[])
        if not _HOST.fullmatch(request.authority):
            return page(400, "Bad request", paragraph("This is no hostname."))
        if request.target.startswith(PLACE):
            return self._own_pages(request, team)
        app = application(self._store, account_id, request.host, request.target)
        if app is None:
            exempt = organization.body["deny_unmatched_requests_exempted_zone_names"]
            if organization.body["deny_unmatched_requests"] and zone not in exempt:
                return Response(status=403, body=f"{UNMATCHED}\n".encode())
            return Passage(head=request.head, answer_headers=[])
        if request.method == "HEAD" and request.head.get("cf-access-metadata-request") == "true":
            return _described(team, app, request)
        return Visit(self._store, self._sessions, team, app, request).judged()

    def _own_pages(self, request: Request, team: Team) -> Response:
        target = urlsplit(request.target)
        query = {name: values[-1] for name, values in parse_qs(target.query).items()}
        match target.path.removeprefix(PLACE):
            case "authorized":
                return self._authorized(request, team, query)
            case "logout":
                return logged_out(request, team, self._sessions, "app")
            case "get-identity":
                return identity(request, team, self._sessions, "app")
        return page(404, "Not found", paragraph("There is no such page of Access."))

    def _authorized(self, request: Request, team: Team, query: dict[str, str]) -> Response:
        """The way back from a login."""
        found = self._sessions.come_back(
            query.get("nonce", ""), request.authority, cookie(request.head, APP_SESSION)
        )
        apps = self._store.access_objects(team.account_id, "apps")
        app = next((each for each in apps if found and each.body["aud"] == found.wanted.aud), None)
        if found is None or app is None:
            return page(400, "Invalid login session", paragraph("Begin again at the site itself."))
        admission = self._sessions.admit(
            found.session,
            app.body["aud"],
            found.policy,
            bound=app.body["enable_binding_cookie"],
        )
        policy = self._store.access[found.policy]
        lasts = _session_seconds(policy, app)
        token = team.signed(
            "app",
            lasts,
            aud=[app.body["aud"]],
            email=found.session.email,
            sub=subject(found.session),
            country=COUNTRY,
            identity_nonce=found.session.id,
            policy_id=found.policy,
        )
        headers = [_app_cookie(app, token, lasts), set_cookie(APP_SESSION, "", seconds=0)]
        if admission.binding is not None:
            headers.append(set_cookie(BINDING, admission.binding, seconds=lasts))
        return redirect(found.wanted.path, *headers)


@dataclass(frozen=True)
class Visit:
    """A request for an application."""

    store: Store
    sessions: Sessions
    team: Team
    app: AccessObject
    request: Request

    def judged(self) -> Passage | Response:
        """Bypass first, then services, then people."""
        policies = Policies(self.store, self.app)
        visitor = Visitor(address=self.request.address)
        preflight = self._preflight()
        if policies.bypassing(visitor) or preflight is True:
            return self._passage()
        if isinstance(preflight, Response):
            return preflight
        if (answer := self._as_service(policies, visitor)) is not None:
            return answer
        return self._as_person(policies, visitor)

    def _preflight(self) -> bool | Response:
        """Of a request of CORS: whether it goes to the origin, or the answer; False for other requests."""
        head = self.request.head
        asks = head.get("access-control-request-method")
        if self.request.method != "OPTIONS" or asks is None or head.get("origin") is None:
            return False
        if self.app.body["options_preflight_bypass"]:
            return True
        cors = self.app.body.get("cors_headers")
        if cors is None:
            return page(403, "Forbidden", paragraph("A preflight request has no session."))
        return Response(status=200, headers=_cors_headers(cors, head))

    def _as_service(self, policies: Policies, visitor: Visitor) -> Passage | Response | None:
        """With a service token, or where services alone come in; None: it goes on as a person."""
        given = self._given_token()
        token = self._valid_token(*given) if given else None
        policy = policies.serving(replace(visitor, service_token=token.id if token else None))
        if policy is not None:
            return self._served(token, policy)
        if given is not None and self.team.organization.body["strict_service_token_auth"]:
            return _refused(401 if token is None else 403)
        if self.app.body["policies"] and not policies.deciding("allow", "deny", "bypass"):
            return _refused(401 if self.app.body["service_auth_401_redirect"] else 403)
        if given is not None and not policies.deciding("allow"):
            return _refused(403)
        return None

    def _given_token(self) -> tuple[str, str] | None:
        """The id and secret that a request shows: empty ones if they are not whole, None where there are none."""
        head = self.request.head
        named = self.app.body.get("read_service_tokens_from_header")
        if named and (text := head.get(named)) is not None:
            try:
                pair = {str(key).lower(): value for key, value in json.loads(text).items()}
                return str(pair[CLIENT_ID]), str(pair[CLIENT_SECRET])
            except (ValueError, AttributeError, KeyError):
                return "", ""
        values = [
            [value for key, value in head.headers if key.lower() == name]
            for name in (CLIENT_ID, CLIENT_SECRET)
        ]
        if not any(values):
            return None
        if [len(each) for each in values] != [1, 1]:
            return "", ""
        return values[0][0], values[1][0]

    def _valid_token(self, client_id: str, secret: str) -> AccessObject | None:
        for token in self.store.access_objects(self.team.account_id, "service_tokens"):
            if token.body["client_id"] == client_id and service_tokens.admitted(token, secret):
                return token
        return None

    def _served(self, token: AccessObject | None, policy: AccessObject) -> Passage:
        lasts = _session_seconds(policy, self.app)
        name = token.body["client_id"] if token else ""
        jwt = self.team.signed("app", lasts, aud=self.app.body["aud"], common_name=name, sub="")
        strict = self.team.organization.body["strict_service_token_auth"]
        return self._passage(
            (ASSERTION, jwt), answer=[] if strict else [_app_cookie(self.app, jwt, lasts)]
        )

    def _as_person(self, policies: Policies, visitor: Visitor) -> Passage | Response:
        for jwt in cookies(self.request.head, SESSION):
            claims = self.team.read("app", jwt) or {}
            if self.app.body["aud"] not in _audiences(claims):
                continue
            if claims.get("common_name") and self._is_service(
                claims["common_name"], policies, visitor
            ):
                return self._passage((ASSERTION, jwt))
            session = self.sessions.find(claims.get("identity_nonce"))
            if session is not None and self._still_in(session, policies, visitor):
                return self._passage((ASSERTION, jwt), (EMAIL, session.email))
        if (self.request.head.get("x-requested-with") or "").lower() == "xmlhttprequest":
            return _refused(401)
        return self._to_login()

    def _is_service(self, client_id: str, policies: Policies, visitor: Visitor) -> bool:
        """Whether a cookie of a service token is good, which strict organizations do not give."""
        if self.team.organization.body["strict_service_token_auth"]:
            return False
        for token in self.store.access_objects(self.team.account_id, "service_tokens"):
            if token.body["client_id"] == client_id:
                return policies.serving(replace(visitor, service_token=token.id)) is not None
        return False

    def _still_in(self, session: Session, policies: Policies, visitor: Visitor) -> bool:
        admission = self.sessions.admission(session, self.app.body["aud"])
        if admission is None:
            return False
        if admission.binding is not None:
            shown = cookie(self.request.head, BINDING)
            if not secrets.compare_digest(admission.binding.encode(), shown.encode()):
                return False
        person = replace(visitor, email=session.email, login_method=session.method)
        return policies.still_admitting(person, admission.policy)

    def _to_login(self) -> Response:
        """To the team's page, with what it has to know, signed."""
        request, aud = self.request, self.app.body["aud"]
        known = cookie(request.head, APP_SESSION)
        # A page asks for several things at once, each of which is sent here: the first login may still come back.
        browser = known if _APP_SESSION.fullmatch(known) else f"n{secrets.token_hex(8)}"
        tried = self._given_token() is not None
        meta = self.team.signed(
            "meta",
            _META_SECONDS,
            aud=aud,
            hostname=request.host,
            authority=request.authority,
            redirect_url=request.target,
            browser=fingerprint(browser),
            auth_status="SERVICE_TOKEN_INVALID" if tried else "NONE",
            service_token_status=False,
        )
        query = urlencode({"kid": aud, "meta": meta, "redirect_url": request.target})
        place = f"{team_host(self.team)}:{request.port}{PLACE}login/{quote(request.host)}"
        path = quote(request.target.partition("?")[0])
        resource = f"https://{request.host}/.well-known/cloudflare-access-protected-resource{path}"
        return redirect(
            f"http://{place}?{query}",
            set_cookie(APP_SESSION, browser, seconds=_DAY),
            ("WWW-Authenticate", f'Cloudflare-Access resource_metadata="{resource}"'),
        )

    def _passage(self, *headers: tuple[str, str], answer: Headers | None = None) -> Passage:
        """What a visitor says in Access's own fields does not go on."""
        kept: Headers = []
        for key, value in self.request.head.headers:
            if key.lower() == "cookie":
                value = without_cookie(value, BINDING)
                if not value:
                    continue
            if key.lower() not in _OWN:
                kept.append((key, value))
        head = replace(self.request.head, headers=[*kept, *headers])
        return Passage(head=head, answer_headers=answer or [])


def logged_out(request: Request, team: Team, sessions: Sessions, kind: str) -> Response:
    """Ends all sessions of whom the cookie belongs to."""
    for token in cookies(request.head, SESSION):
        claims = team.read(kind, token) or {}
        if (session := sessions.find(claims.get("identity_nonce"))) is not None:
            sessions.log_out(session.email)
    gone = set_cookie(SESSION, "", seconds=0)
    return page(200, "You have logged out", paragraph("All your sessions have ended."), gone)


def identity(request: Request, team: Team, sessions: Sessions, kind: str) -> Response:
    """What is known of whom the cookie belongs to."""
    for token in cookies(request.head, SESSION):
        claims = team.read(kind, token) or {}
        if (session := sessions.find(claims.get("identity_nonce"))) is not None:
            provider = team.store.access[session.method]
            return Response.of_json(
                200,
                {
                    "email": session.email,
                    "idp": {"id": provider.id, "type": provider.body["type"]},
                    "geo": {"country": COUNTRY},
                    "user_uuid": subject(session),
                    "account_id": team.account_id,
                    "iat": claims["iat"],
                    "ip": request.address,
                    "service_token_id": "",
                    "service_token_status": False,
                    "is_warp": False,
                    "is_gateway": False,
                },
            )
    return Response.of_json(401, {"err": "no session"})


def subject(session: Session) -> str:
    """A person's id."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{session.email.lower()}"))


def _described(team: Team, app: AccessObject, request: Request) -> Response:
    """What `cloudflared access` asks before it sends somebody to log in."""
    token = team.signed(
        "match",
        _META_SECONDS,
        hostname=request.host,
        auth_domain=team.domain,
        aud=app.body["aud"],
        app_hostname=app.body["domain"],
    )
    return Response(status=200, headers=[("cf-access-metadata", token)])


def _audiences(claims: dict[str, Any]) -> list[str]:
    given = claims.get("aud", [])
    return [given] if isinstance(given, str) else list(given)


def _session_seconds(policy: AccessObject, app: AccessObject) -> int:
    """A policy's own duration comes before the application's."""
    text = policy.body.get("session_duration") or app.body["session_duration"]
    return int(seconds("session_duration", text))


def _app_cookie(app: AccessObject, token: str, lasts: int) -> tuple[str, str]:
    path = "/" + app.body["domain"].partition("/")[2] if app.body["path_cookie_attribute"] else "/"
    return set_cookie(
        SESSION,
        token,
        seconds=lasts,
        path=path.rstrip("*"),
        http_only=app.body["http_only_cookie_attribute"],
        same_site=app.body.get("same_site_cookie_attribute", ""),
    )


def _refused(status: int) -> Response:
    words = {401: "Unauthorized", 403: "Forbidden"}[status]
    return page(status, words, paragraph("You do not have access to this site."))


def _cors_headers(cors: dict[str, Any], head: Head) -> Headers:
    origin = head.get("origin") or ""
    asked = {
        "methods": head.get("access-control-request-method") or "",
        "headers": head.get("access-control-request-headers") or "",
    }
    found: Headers = []
    if cors.get("allow_all_origins") or origin in cors.get("allowed_origins", []):
        every = cors.get("allow_all_origins") and not cors.get("allow_credentials")
        found.append(("Access-Control-Allow-Origin", "*" if every else origin))
    for what, wanted in asked.items():
        names = (
            wanted if cors.get(f"allow_all_{what}") else ", ".join(cors.get(f"allowed_{what}", []))
        )
        if names:
            found.append((f"Access-Control-Allow-{what.title()}", names))
    if cors.get("allow_credentials"):
        found.append(("Access-Control-Allow-Credentials", "true"))
    if (age := cors.get("max_age")) is not None:
        found.append(("Access-Control-Max-Age", f"{age:.0f}"))
    return found
