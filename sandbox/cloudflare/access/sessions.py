"""Who has logged in. It is kept in memory: after a restart everybody logs in again."""

import hashlib
import secrets
import time
from dataclasses import dataclass, field

_CODE_SECONDS = 600.0
_CODE_TRIES = 3
_RETURN_SECONDS = 60.0


@dataclass(kw_only=True)
class Session:
    """Somebody who has logged in. `id` is in each token of it, `method` the identity provider's id."""

    email: str
    method: str
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a visitor wants who was sent to log in: an application by its audience, at a host, a path there.

    `authority` is the host as the visitor wrote it, with a port; `browser` tells the browser that was sent.
    """

    aud: str
    authority: str
    path: str
    browser: str


@dataclass(kw_only=True)
class Attempt:
    """A login under way in one browser."""

    wanted: Wanted
    browser: str
    email: str = ""
    code: str = ""
    tries: int = 0
    ends: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Return:
    """The way back from a login, for one use."""

    wanted: Wanted
    session: Session
    policy: str
    ends: float


@dataclass(frozen=True, kw_only=True)
class Admission:
    """By which policy a session came into an application; `binding` is what its browser has to show, if anything."""

    policy: str
    binding: str | None


class Sessions:
    """Sessions, logins and what was admitted."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._attempts: dict[str, Attempt] = {}
        self._returns: dict[str, Return] = {}
        self._admissions: dict[tuple[str, str], Admission] = {}

    def begin(self, wanted: Wanted, browser: str) -> str:
        """A login begins; its id."""
        attempt = secrets.token_urlsafe(16)
        self._attempts[attempt] = Attempt(wanted=wanted, browser=fingerprint(browser))
        return attempt

    def attempt(self, attempt: str, browser: str) -> Attempt | None:
        """A login of this very browser."""
        found = self._attempts.get(attempt)
        return found if found is not None and found.browser == fingerprint(browser) else None

    def send_code(self, attempt: str, email: str) -> str:
        """A new code for an address, which makes older ones worthless."""
        found = self._attempts[attempt]
        found.email, found.tries = email, 0
        found.code = f"{secrets.randbelow(10**6):06d}"
        found.ends = time.monotonic() + _CODE_SECONDS
        return found.code

    def enter_code(self, attempt: str, code: str) -> bool:
        """Whether it is the code that was sent, which then is spent; so it is after a few wrong ones."""
        found = self._attempts[attempt]
        found.tries += 1
        good = (
            bool(found.code)
            and found.tries <= _CODE_TRIES
            and time.monotonic() < found.ends
            and secrets.compare_digest(found.code.encode(), code.strip().encode())
        )
        if good:
            del self._attempts[attempt]
        return good

    def log_in(self, email: str, method: str) -> Session:
        session = Session(email=email, method=method)
        self._sessions[session.id] = session
        return session

    def find(self, session_id: object) -> Session | None:
        return self._sessions.get(session_id) if isinstance(session_id, str) else None

    def log_out(self, email: str) -> None:
        """Ends all sessions of a person."""
        for session in [each for each in self._sessions.values() if each.email == email]:
            del self._sessions[session.id]

    def way_back(self, wanted: Wanted, session: Session, policy: str) -> str:
        """A nonce for the return to the application."""
        nonce = secrets.token_urlsafe(24)
        self._returns[nonce] = Return(
            wanted=wanted, session=session, policy=policy, ends=time.monotonic() + _RETURN_SECONDS
        )
        return nonce

    def come_back(self, nonce: str, authority: str, browser: str) -> Return | None:
        """What a nonce is for, once, in the browser that was sent to log in and at the same host."""
        found = self._returns.pop(nonce, None)
        if found is None or time.monotonic() > found.ends or self.find(found.session.id) is None:
            return None
        same = (found.wanted.authority, found.wanted.browser) == (authority, fingerprint(browser))
        return found if same else None

    def admit(self, session: Session, aud: str, policy: str, *, bound: bool) -> Admission:
        admission = Admission(policy=policy, binding=secrets.token_hex(16) if bound else None)
        self._admissions[session.id, aud] = admission
        return admission

    def admission(self, session: Session, aud: str) -> Admission | None:
        return self._admissions.get((session.id, aud))


def fingerprint(browser: str) -> str:
    """What is told about a browser's cookie to others than the browser."""
    return hashlib.sha256(browser.encode()).hexdigest()
