"""Finds in a preview the replacements that visitors would notice, or that Cloudflare would refuse."""

import asyncio
from collections.abc import Mapping

import pulumi

from settings.looked_up import ACCESS_TWICE, RECORD_REPLACED, TUNNEL_NAME, TUNNEL_REPLACED
from values.findings import Findings

_Ids = Mapping[str, pulumi.Output[str]]


async def find_gaps(
    tunnel: pulumi.CustomResource | None,
    records: _Ids,
    applications: Mapping[str, pulumi.CustomResource],
    *,
    same_name: bool,
) -> Findings:
    """Finds what would be replaced of the tunnel, the records and the applications that the state has.

    Records are given by hostname, applications of Access by URI. In a preview: the id of what is to be replaced is not
    known then. `same_name` tells that the new tunnel has the name of the old one, which is there until the end.
    """
    findings = Findings()
    for uri in await _list_unknown({uri: it.id for uri, it in applications.items()}):
        findings.add(
            ACCESS_TWICE,
            "",
            f"The Access application of '{uri}' would be replaced, and Cloudflare refuses a second one there (11010), while "
            "without the first one nobody would be asked for a login.",
            "To keep the one that is there: no --replace, or, if it is tainted, pulumi state untaint --yes "
            f"'{await applications[uri].urn.future()}'.",
        )
    if tunnel is not None and await _list_unknown({"tunnel": tunnel.id}):
        if same_name:
            findings.add(
                TUNNEL_NAME,
                "",
                "The tunnel would be replaced, and Cloudflare refuses a second one of its name (1013).",
                "To keep the one that is there: no --replace, or, if it is tainted, pulumi state untaint --yes "
                f"'{await tunnel.urn.future()}'. For a new one in its place set another argoweb:tunnel.name.",
            )
        else:
            findings.add(
                TUNNEL_REPLACED,
                "",
                "The tunnel would be replaced: visitors get error 1033 from the switch of the last server until the records "
                "lead to the new one.",
            )
    if hostnames := await _list_unknown(records):
        findings.add(
            RECORD_REPLACED,
            "",
            "A hostname has room for one record, so these are deleted before they are made again, and their visitors find "
            f"nothing for a moment: {', '.join(hostnames)}",
        )
    return findings


async def _list_unknown(ids: _Ids) -> list[str]:
    known = await asyncio.gather(*(id.is_known() for id in ids.values()), return_exceptions=True)
    return [name for name, it_is in zip(ids, known, strict=True) if it_is is False]
