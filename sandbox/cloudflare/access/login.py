"""A team's own pages: its keys, the login by a code, the logout.

The code that the real one mails is shown on the page, since there is no mail on the loopback.
"""

import base64
import html
import json
import re
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

from ..http import Response
from ..models import AccessObject
from ..store import Store
from .decisions import Policies, Visitor
from .gate import PLACE, Request, identity, logged_out, subject, team_host
from .objects import seconds
from .organization import DOMAIN, ONE_TIME_PIN
from .sessions import Attempt, Session, Sessions, Wanted
from .team import Team
from .web import (
    LOGIN_SESSION,
    SESSION,
    cookie,
    page,
    paragraph,
    redirect,
    set_cookie,
)

MAX_FORM = 65536
"""Bytes of a form; a longer one is refused."""
_EMAIL = re.compile(r"[^\s@<>\"(),;:\\\[\]]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
_LOGIN_SECONDS = 4 * 3600
_PATH = re.compile(r"/(?!/)[!-\[\]-~]*")
"""A path at the host that the visitor came from, and nowhere else: browsers take a backslash for a slash."""


class Login:
    """Answers requests to teams' domains."""

    def __init__(self, store: Store, sessions: Sessions) -> None:
        self._store = store
        self._sessions = sessions

    def team(self, host: str) -> Team | None:
        """The team whose pages a host has."""
        for thing in self._store.access.values():
            if thing.kind == "organizations":
                team = Team(self._store, thing.account_id)
                if host in (team.domain, team_host(team)):
                    return team
        return None

    def answer(self, team: Team, request: Request, form: bytes) -> Response:
        """The answer to a request for a page of a team."""
        target = urlsplit(request.target)
        query = fields(target.query)
        given = fields(form.decode("latin-1"))
        match request.method, target.path.removeprefix(PLACE).split("/"):
            case "GET", ["certs"] if target.path.startswith(PLACE):
                return Response.of_json(200, team.certificates())
            case "GET", ["login", host]:
                return self._login(team, request, host, query)
            case "POST", ["login", "code"]:
                return self._code(request, given)
            case "POST", ["login", "enter"]:
                return self._entered(team, request, given)
            case "GET", ["logout"]:
                return logged_out(request, team, self._sessions, "org")
            case "GET", ["get-identity"]:
                return identity(request, team, self._sessions, "org")
        return page(404, "Not found", paragraph("There is no such page."))

    def _login(self, team: Team, request: Request, host: str, query: dict[str, str]) -> Response:
        """Who has logged in before goes on at once; others are asked for their address."""
        meta = team.read("meta", query.get("meta", "")) or {}
        app = self._app(team, str(meta.get("aud")))
        same = {
            "aud": query.get("kid"),
            "hostname": host,
            "redirect_url": query.get("redirect_url", meta.get("redirect_url")),
        }
        if app is None or any(meta.get(name) != value for name, value in same.items()):
            return _unknown_application()
        path = meta["redirect_url"] if _PATH.fullmatch(meta["redirect_url"]) else "/"
        wanted = Wanted(
            aud=meta["aud"], authority=meta["authority"], path=path, browser=meta["browser"]
        )
        claims = team.read("org", cookie(request.head, SESSION)) or {}
        if (session := self._sessions.find(claims.get("identity_nonce"))) is not None:
            return self._go_on(team, request, app, wanted, session)
        browser = secrets.token_urlsafe(16)
        attempt = self._sessions.begin(wanted, browser)
        return page(
            200,
            f"Log in to {app.body['name']}",
            _form("code", attempt, "Your e-mail address", "email", "email", "Send me a code"),
            set_cookie(LOGIN_SESSION, browser, seconds=_LOGIN_SECONDS),
        )

    def _code(self, request: Request, given: dict[str, str]) -> Response:
        """A code for an address."""
        attempt, email = given.get("attempt", ""), given.get("email", "").strip()
        if self._found(request, attempt) is None:
            return _unknown_login()
        if not _EMAIL.fullmatch(email):
            again = _form(
                "code", attempt, "Your e-mail address", "email", "email", "Send me a code"
            )
            return page(400, "Log in", paragraph(f"{email} is no e-mail address.") + again)
        code = self._sessions.send_code(attempt, email)
        mail = (
            f"<p>The sandbox has no mail. To {html.escape(email)} it would have written: "
            f"<b id=code>{code}</b></p>"
        )
        asked = _form("enter", attempt, "The code", "code", "text", "Log in")
        return page(200, "Enter the code", mail + asked)

    def _entered(self, team: Team, request: Request, given: dict[str, str]) -> Response:
        attempt = given.get("attempt", "")
        found = self._found(request, attempt)
        if found is None:
            return _unknown_login()
        if not self._sessions.enter_code(attempt, given.get("code", "")):
            asked = _form("enter", attempt, "The code", "code", "text", "Log in")
            return page(400, "Enter the code", paragraph("That code is not valid.") + asked)
        app = self._app(team, found.wanted.aud)
        if app is None:
            return _unknown_application()
        session = self._sessions.log_in(found.email, self._method(team))
        lasts = int(seconds("session_duration", team.organization.body["session_duration"]))
        token = team.signed(
            "org",
            lasts,
            aud=team.account_id,
            email=session.email,
            sub=subject(session),
            identity_nonce=session.id,
        )
        kept = set_cookie(SESSION, token, seconds=lasts, same_site="none")
        return self._go_on(team, request, app, found.wanted, session, kept)

    def _go_on(
        self,
        team: Team,
        request: Request,
        app: AccessObject,
        wanted: Wanted,
        session: Session,
        *headers: tuple[str, str],
    ) -> Response:
        """Back to the application, or away from it."""
        visitor = Visitor(address=request.address, email=session.email, login_method=session.method)
        allowed = app.body["allowed_idps"]
        policy = Policies(self._store, app).admitting(visitor)
        if policy is None or (allowed and session.method not in allowed):
            if url := app.body.get("custom_deny_url"):
                return redirect(url, *headers)
            said = app.body.get("custom_deny_message") or "That account does not have access."
            words = paragraph(said) + paragraph(f"You have logged in as {session.email}.")
            return page(403, "Forbidden", words, *headers)
        state = {
            "hostname": wanted.authority,
            "redirectURL": wanted.path,
            "authDomain": team.domain,
            "isSSO": not headers,
        }
        query = {
            "nonce": self._sessions.way_back(wanted, session, policy.id),
            "state": base64.urlsafe_b64encode(json.dumps(state).encode()).decode(),
        }
        back = f"http://{wanted.authority}{PLACE}authorized?{urlencode(query)}"
        return redirect(back, *headers)

    def _found(self, request: Request, attempt: str) -> Attempt | None:
        return self._sessions.attempt(attempt, cookie(request.head, LOGIN_SESSION))

    def _app(self, team: Team, aud: str) -> AccessObject | None:
        apps = self._store.access_objects(team.account_id, "apps")
        return next((app for app in apps if app.body["aud"] == aud), None)

    def _method(self, team: Team) -> str:
        """The identity provider whose part the page plays: the one-time PIN, else the first."""
        providers = self._store.access_objects(team.account_id, "identity_providers")
        pins = [each for each in providers if each.body["type"] == ONE_TIME_PIN]
        return (pins or providers)[0].id


def is_team(host: str) -> bool:
    """Whether a host is one of a team's pages, be there such a team or not."""
    return host.endswith((DOMAIN, DOMAIN.rpartition(".")[0] + ".localhost"))


def fields(text: str) -> dict[str, str]:
    """The fields of a query or a form; of several with one name the last."""
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}


def _form(step: str, attempt: str, label: str, name: str, kind: str, button: str) -> str:
    return (
        f'<form method=post action="{PLACE}login/{step}">'
        f'<input type=hidden name=attempt value="{html.escape(attempt)}">'
        f"<label>{html.escape(label)} <input type={kind} name={name} required autofocus></label> "
        f"<button>{html.escape(button)}</button></form>"
    )


def _unknown_application() -> Response:
    return page(
        404, "Unable to find your Access application", paragraph("Begin at the site itself.")
    )


def _unknown_login() -> Response:
    return page(400, "Invalid login session", paragraph("Begin again at the site itself."))
