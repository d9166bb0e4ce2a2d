"""Does all of a run but the reading of settings: looks at what there is, registers the resources, says what visitors would notice."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

import pulumi
import pulumi_random as random

from components.connection import Connection
from components.deploy import TOP, Deployment, Within, deploy
from components.gaps import find_gaps
from components.imported import take_over_state
from existing import look_up, read_own_state
from settings import Access, FindingsError, Settings, tell
from settings.telling import silence
from values.findings import Finding

Tell = Callable[[Iterable[Finding], Iterable[str]], None]
"""Shows warnings, and notices of what may surprise."""


async def declare(
    settings: Settings,
    access: Access,
    *,
    connections: Mapping[str, Connection] | None = None,
    within: Within = TOP,
    tell: Tell = tell,
) -> Deployment:
    """Declares a deployment, and in a preview tells what visitors would notice; `connections` is as `deploy` takes it.

    Raises:
        FindingsError: what is at Cloudflare stands in the way, or would refuse what a preview plans.
    """
    tell(settings.warnings, settings.notices)
    # It is made before all other resources, so a preview knows by it whether the stack has a state.
    begun = random.RandomId(within.add_prefix("begun"), byte_length=4, opts=within.make_options())
    own = await read_own_state(
        begun.id.is_known, among_others=None if within is TOP else within.prefix
    )
    if within is TOP:
        take_over_state(own)
    found = look_up(settings, access, own)
    tell(found.warnings, found.notices)
    made = deploy(settings, own, found, connections=connections, within=within)
    # Lets every registration begin before Pulumi waits for them. Else it looks at all that are open whenever one ends, which
    # doubles the time of 500 records.
    await asyncio.sleep(0)
    if pulumi.runtime.is_dry_run():
        gaps = await find_gaps(
            made.tunnel.made if own.tunnel_id and not found.tunnel.deleted else None,
            {
                claim.hostname: made.records.ids[claim.hostname]
                for claim in found.claims
                if (claim.zone_id, claim.hostname) in own.records
            },
            {
                uri: application
                for uri, application in made.applications.items()
                if own.applications.get(uri, {}).get("accountId") == settings.account_id
            },
            same_name=settings.tunnel.name in (None, own.tunnel_name)
            and settings.account_id == own.tunnel_account,
        )
        if gaps.errors:
            raise FindingsError("What is planned would fail", gaps.errors)
        tell(*silence(gaps.warnings, settings.accept))
    return made
