"""What a preview tells of replacements that visitors notice."""

import asyncio
from collections.abc import Mapping

import pulumi

_Ids = Mapping[str, pulumi.Output[str]]


async def tell_gaps(tunnel: pulumi.Output[str] | None, records: _Ids, *, same_name: bool) -> None:
    """Warns of what would be made again of the tunnel, by its id, and of the records, by hostname, that the state has.

    In a preview: the id of what is to be replaced is not known then. `same_name` tells that the new tunnel has the name of
    the old one, which is there until the end.
    """
    if tunnel is not None and await _unknown({"tunnel": tunnel}):
        warning = (
            "The tunnel would be replaced: visitors get error 1033 from the switch of the last server until the records lead "
            "to the new one."
        )
        if same_name:
            warning = (
                "The tunnel would be replaced, and Cloudflare refuses a second one of its name (1013): nothing changes then. "
                "For a new one set another argoweb:tunnel.name. To keep the one that is there: "
                "pulumi state untaint, with the URN of tunnel-tunnel, or no --replace."
            )
        pulumi.log.warn(warning)
    if hostnames := await _unknown(records):
        pulumi.log.warn(
            "A hostname has room for one record, so these are deleted before they are made again, and their visitors find "
            f"nothing for a moment: {', '.join(hostnames)}"
        )


async def _unknown(ids: _Ids) -> list[str]:
    known = await asyncio.gather(*(id.is_known() for id in ids.values()), return_exceptions=True)
    return [name for name, it_is in zip(ids, known, strict=True) if it_is is False]
