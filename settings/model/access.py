"""What a stack declares of Cloudflare Access, checked and complete."""

from collections.abc import Sequence
from dataclasses import dataclass

PUBLIC = "public"
"""The word in the place of a group that makes a site one for everybody, without a login."""
SESSION = "24h"
"""How long a login lasts unless a stack says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Cors:
    """What Access answers to a browser's preflight requests."""

    origins: Sequence[str]
    """`*` stands for all."""
    methods: Sequence[str] = ()
    """Empty: all."""
    headers: Sequence[str] = ()
    """Empty: all."""
    credentials: bool
    max_age: int | None = None
    """Seconds; `None`: Cloudflare's own."""


@dataclass(frozen=True, kw_only=True)
class Protection:
    """Who may come in by Access, and how."""

    groups: Sequence[str]
    """Names of groups of the stack file."""
    policies: Sequence[str]
    """Ids of policies that are there already."""
    application: str | None = None
    """Id of an application that is there already, whose affair all else is then."""
    session: str = SESSION
    """How long a login lasts, as `24h`."""
    deny_text: str | None = None
    deny_url: str | None = None
    same_site: str | None = None
    binding_cookie: bool = False
    login_methods: Sequence[str]
    """Ids; empty: all of the account."""
    app_launcher: bool = True
    cors: Cors | None = None


@dataclass(frozen=True, kw_only=True)
class Selector:
    """A kind of visitor."""

    kind: str
    """The kind's key in the stack file, as `emails`."""
    value: str
    """Empty for kinds that need none."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A policy that the stack makes."""

    key: str
    """Tells it from the others of the stack, as `staff` or `staff/tokens`."""
    decision: str
    """`allow`, `non_identity` or `bypass`, as Cloudflare's API has it."""
    include: Sequence[Selector]
    """One of these has to fit."""
    require: Sequence[Selector] = ()
    """All of these have to fit too."""
    exclude: Sequence[Selector] = ()
    """None of these may fit."""
    session: str
    """How long a login by it lasts."""


EVERYBODY = Policy(
    key=PUBLIC,
    decision="bypass",
    include=(Selector(kind="everyone", value=""),),
    session=SESSION,
)
"""The policy of an application that lets everybody in, without a login."""


@dataclass(frozen=True, kw_only=True)
class ServiceToken:
    """A token by which programs come in."""

    name: str
    duration: str
    secret_version: int
    """Raised for a new secret."""
    old_until: str | None = None
    """Until when the secret before it is valid, as RFC 3339 has it."""


@dataclass(frozen=True, kw_only=True)
class Application:
    """An Access application in front of a hostname or of some paths of it."""

    uri: str
    """`hostname` or `hostname/path`, in which `*` stands for any text."""
    place: str
    """Where it stands in the stack file."""
    protection: Protection | None
    """`None`: everybody may come in, which a wider application would not allow."""
    policies: Sequence[Policy]
    """The stack's policies, in their order; those of `protection.policies` follow."""


@dataclass(frozen=True, kw_only=True)
class AccessSettings:
    """What the stack has of Cloudflare Access."""

    team: str
    """The Zero Trust organisation's name, as before `.cloudflareaccess.com`."""
    applications: Sequence[Application]
    """Each by another URI."""
    tokens: Sequence[ServiceToken]

    @property
    def policies(self) -> Sequence[Policy]:
        """The policies that some application has, each once."""
        found = {each.key: each for it in self.applications for each in it.policies}
        return list(found.values())


def find_wildcard_above(hostname: str) -> str:
    """Gives the wildcard hostname whose application takes a hostname too: it stands for one label (Cloudflare's page on application paths)."""
    return f"*.{hostname.partition('.')[2]}"


def is_within(uri: str, other: str) -> bool:
    """Whether the other application would take the requests of this one if it did not exist."""
    hostname, _, path = uri.partition("/")
    around, _, beginning = other.partition("/")
    if uri == other or around not in (hostname, find_wildcard_above(hostname)):
        return False
    if beginning.endswith("*"):
        return path.startswith(beginning[:-1])
    return beginning in ("", path) or path.startswith(f"{beginning}/")
