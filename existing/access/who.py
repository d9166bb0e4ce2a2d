"""Says in words who may come in by Access: by the stack file, and by the state."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from existing.state import Outputs, OwnState
from settings import Settings
from settings.model.access import EVERYBODY, Application, Selector, is_within
from settings.model.access_marks import RULES, unmark, write_network
from settings.model.names import EVERY

_SHOWN = {
    "emails": "{}",
    "emailDomains": "@{}",
    "loginMethods": "login method {}",
    "externalGroups": "Access group {}",
    "ips": "from {}",
    "countries": "from {}",
    "serviceTokens": "service token {}",
    "anyServiceToken": "any service token",
    "everyone": "everybody who logs in",
}
_PUBLIC = "everybody, without a login"
_MOST = 12
"""How many kinds of visitor are listed of a site, and how many sites that are for everybody."""


def list_who_may_come_in(
    applications: Sequence[Application], settings: Settings, own: OwnState, asked: Collection[str]
) -> str | None:
    """Lists the sites with who may come in at each and what changes in that; `None` if no site has Access.

    At the hostnames in `asked` somebody else's application asks for a login.
    """
    now = {each.uri: [*_list_declared(each)] for each in applications}
    was = {uri: [*_list_recorded(outputs, own)] for uri, outputs in own.applications.items()}
    lines = []
    for uri, who in now.items():
        lines.append(f"  {uri}: {_list(who)}")
        if uri in was:
            lines += [f"    + {each}" for each in who if each not in was[uri]]
            lines += [f"    - {each}" for each in was[uri] if each not in who]
    open_ = {site.hostname for site in settings.sites if site.is_public} - now.keys() - set(asked)
    if open_:
        lines.append(f"  {_PUBLIC}: {_list(sorted(open_))}")
    return "\n".join(["Who may come in:", *lines]) if now else None


def _list(words: Sequence[str]) -> str:
    more = f" and {len(words) - _MOST} more" if len(words) > _MOST else ""
    return ", ".join(words[:_MOST]) + more


def find_newly_public(
    applications: Sequence[Application], settings: Settings, own: OwnState
) -> Iterator[tuple[str, str]]:
    """Finds what the state has as protected and the stack file serves to everybody, each with its place in the stack file."""
    places = {site.hostname: site.place for site in reversed(settings.sites)}
    closed = {each.uri for each in applications if each.protection}
    closed |= {site.hostname for site in settings.sites if not site.is_public and not site.path}
    opened = {each.uri: each.place for each in applications if not each.protection}
    was = {
        uri: _PUBLIC not in _list_recorded(outputs, own)
        for uri, outputs in own.applications.items()
    }
    for uri in filter(was.get, was):
        hostname = uri.partition("/")[0]
        place = places.get(hostname) or _find_open_above(hostname, settings)
        if uri not in closed and place and (uri in opened or hostname not in closed):
            yield uri, opened.get(uri, place)
    for uri, place in opened.items():
        around = [it for it in was if is_within(uri, it)]
        # The hostname's own stands before the wildcard's, and the longer path before the shorter one.
        if (
            uri not in was
            and around
            and was[max(around, key=lambda it: ("*" not in it.partition("/")[0], len(it)))]
        ):
            yield uri, place


def _find_open_above(hostname: str, settings: Settings) -> str | None:
    """Finds a wildcard's site that serves a hostname, which has none of its own, to everybody; gives its place."""
    taking = (settings.sites[index] for index in settings.router.list_rules(hostname))
    whole = next((site for site in taking if not site.path), None)
    return whole.place if whole and whole.is_public and whole.hostname != EVERY else None


def _list_declared(application: Application) -> Iterator[str]:
    how = application.protection
    if how is None:
        yield _PUBLIC
        return
    if how.application:
        yield f"whom the application {how.application} lets in"
        return
    for policy in application.policies:
        yield from _put_in_words(policy.key, policy.include, policy.require, policy.exclude)
    yield from (f"whom the policy {each} lets in" for each in how.policies)
    yield f"for {how.session}"


def _list_recorded(outputs: Outputs, own: OwnState) -> Iterator[str]:
    policies = {each["id"]: each for each in own.policies}
    tokens = {each["id"]: unmark(each["name"]) for each in own.tokens}
    for each in outputs.get("policies") or ():
        policy = policies.get(each.get("id"))
        if policy is None:
            yield f"whom the policy {each.get('id')} lets in"
        elif policy["decision"] == EVERYBODY.decision:
            yield _PUBLIC
            return
        else:
            rules = (
                [*_list_selectors(policy.get(key), tokens)]
                for key in ("includes", "requires", "excludes")
            )
            yield from _put_in_words(unmark(policy["name"]), *rules)
    yield f"for {outputs.get('sessionDuration')}"


def _put_in_words(
    key: str, include: Sequence[Selector], require: Sequence[Selector], exclude: Sequence[Selector]
) -> Iterator[str]:
    group = key.partition("/")[0]
    for before, selectors in (("", include), ("only ", require), ("not ", exclude)):
        for each in selectors:
            value = write_network(each.value) if each.kind == "ips" else each.value
            yield f"{group}: {before}{_SHOWN[each.kind].format(value)}"


def _list_selectors(
    rules: Sequence[Outputs] | None, tokens: Mapping[str, str]
) -> Iterator[Selector]:
    for rule in rules or ():
        for kind, (name, key) in RULES.items():
            if (value := rule.get(name)) is not None:
                found = str(value.get(key, "")) if key else ""
                yield Selector(kind=kind, value=tokens.get(found, found))
