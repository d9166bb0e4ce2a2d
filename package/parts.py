"""The parts of a deployment as components of their own, for a program that puts them together in another way.

They look at nothing: what is at Cloudflare already stands in their way only when it is made.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from components import (
    Access,
    AccessArgs,
    NixosHost,
    NixosHostArgs,
    Record,
    Records,
    RecordsArgs,
    Tunnel,
    TunnelArgs,
)
from components.host_files import render_files
from package.arguments import Reader, make_stand_in, read_connection
from package.keys import ACCESS, NIXOS_HOST, OF_SITES, OF_THE_SERVER, RECORDS, TUNNEL
from package.words import tell_arguments
from render import render_serving
from settings import FindingsError, Settings
from settings.errors import make_configuration_error
from settings.model import names
from settings.reading.build import NAMESPACE, build
from settings.reading.servers import read_server
from values.findings import Finding, Findings, Kind
from values.tables import Table

NO_AUDIENCE = Kind("no-audience", "A server is not told the audience of an application of Access.")
_STAND_IN = {
    "accountId": "0" * 32,
    "servers": {"web": {"address": "192.0.2.1", "hostKey": make_stand_in("hostKey", "")}},
}
"""What a part has nothing to do with, for the reader of a whole stack."""
_ANYWHERE = "argoweb.invalid"
_OF_A_HOST = re.compile(
    rf"{NAMESPACE}:(?:bastion\.)?(address|port|user|hostKey|tunnelId|credentials)"
    rf"|{NAMESPACE}:(audience)s\..+"
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A component that was made, with its outputs."""

    component: pulumi.Resource
    outputs: Mapping[str, pulumi.Input[Any]]


def _make_reader(*keys: str) -> Reader:
    """Makes a reader for which these arguments may be outputs of other resources."""
    return Reader(may_be_told=re.compile(rf"{NAMESPACE}:(?:.+\.)?({'|'.join(keys)})()"))


async def _read(reader: Reader, inputs: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """Gives the checked values of a part's arguments; outputs of other resources stay in the reader.

    Raises:
        FindingsError: they cannot work.
    """
    values = table.read(await reader.read_all(inputs), NAMESPACE, reader.findings)
    _refuse(reader.findings.errors)
    return values


def _refuse(errors: Sequence[Finding]) -> None:
    if errors:
        raise make_configuration_error(errors, "The arguments have")


def _name_deployment() -> str:
    return f"{pulumi.get_project()}/{pulumi.get_stack()}"


async def make_tunnel(name: str, inputs: Any, opts: pulumi.ResourceOptions | None) -> Part:
    """Makes a tunnel with its secret; its credentials are an output.

    Raises:
        FindingsError: the arguments cannot work.
    """
    reader = _make_reader("accountId")
    values = await _read(reader, inputs, TUNNEL)
    it = Tunnel(
        name,
        TunnelArgs(
            account_id=reader.told.get(f"{NAMESPACE}:accountId", values["accountId"]),
            tunnel_name=values.get("name", f"{_name_deployment()}-{name}".replace("/", "-")),
            secret_version=values["secretVersion"],
            protect=values["protect"],
        ),
        opts,
    )
    outputs = {"tunnelId": it.tunnel_id, "target": it.target, "credentials": it.credentials}
    return Part(component=it, outputs=outputs)


async def make_records(name: str, inputs: Any, opts: pulumi.ResourceOptions | None) -> Part:
    """Makes a proxied CNAME for each hostname.

    Raises:
        FindingsError: the arguments cannot work.
    """
    reader = _make_reader("target", "zoneId")
    values = await _read(reader, inputs, RECORDS)
    listed = []
    for at, each in enumerate(values["records"]):
        place = f"{NAMESPACE}:records[{at}]"
        listed.append(
            Record(
                hostname=names.read_hostname(
                    each["hostname"], f"{place}.hostname", reader.findings
                ),
                zone_id=reader.told.get(f"{place}.zoneId", each["zoneId"]),
                comment=each.get("comment"),
                tags=each["tags"],
            )
        )
    _refuse(reader.findings.errors)
    target = reader.told.get(f"{NAMESPACE}:target", values["target"])
    it = Records(name, RecordsArgs(target=target, records=listed), opts)
    return Part(component=it, outputs={"hostnames": [each.hostname for each in listed]})


async def make_access(name: str, inputs: Any, opts: pulumi.ResourceOptions | None) -> Part:
    """Makes what decides who may come in at these sites; the audiences are an output, which the servers need.

    Raises:
        FindingsError: the arguments cannot work.
    """
    reader = _make_reader("audience")
    plain = await reader.read_all(inputs)
    ACCESS.read(plain, NAMESPACE, reader.findings)
    settings = _build(plain, reader.findings)
    assert settings.access is not None
    tell_arguments(settings.warnings, settings.notices)
    it = Access(
        name,
        AccessArgs(
            account_id=settings.account_id,
            deployment=f"{_name_deployment()}/{name}",
            applications=settings.access.applications,
            tokens=settings.access.tokens,
            taken_in={},
            lost_tokens={},
        ),
        opts,
    )
    outputs = {
        "audiences": it.audiences,
        "serviceTokens": pulumi.Output.secret(it.service_tokens),
    }
    return Part(component=it, outputs=outputs)


async def make_nixos_host(name: str, inputs: Any, opts: pulumi.ResourceOptions | None) -> Part:
    """Sets a server up that runs the tunnel of the credentials, and serves these sites.

    Raises:
        FindingsError: the arguments cannot work.
    """
    reader = Reader(may_be_told=_OF_A_HOST)
    findings = reader.findings
    plain = await reader.read_all(inputs)
    key = reader.read_private_key(inputs, plain.pop("sshPrivateKey", None))
    values = NIXOS_HOST.read(plain, NAMESPACE, findings)
    given = {key: values[key] for key in OF_THE_SERVER if key in values}
    server = None if findings.errors else read_server(name, f"{NAMESPACE}:", given, findings)
    settings = replace(_build(plain, findings), ssh_private_key=key)
    assert server is not None

    def read_output(argument: str) -> pulumi.Output[str]:
        told = reader.told.get(f"{NAMESPACE}:{argument}")
        return pulumi.Output.from_input(str(values[argument])) if told is None else told

    audiences = inputs.get("audiences") or {}
    for site in settings.sites:
        for uri in site.passed:
            if uri not in audiences:
                text = f"has none of '{uri}', by which {site.place.partition(':')[2]} is protected."
                findings.add(NO_AUDIENCE, f"{NAMESPACE}:audiences", text)
    _refuse(findings.errors)
    tell_arguments(settings.warnings, settings.notices)
    tunnel_id = read_output("tunnelId")
    credentials: pulumi.Output[str] = pulumi.Output.secret(read_output("credentials"))
    it = NixosHost(
        name,
        NixosHostArgs(
            deployment=_name_deployment(),
            connection=read_connection(settings, server, reader.list_told()),
            tunnel=[*await tunnel_id.resources()],
            files=render_files(settings, tunnel_id, credentials, audiences),
            serving=render_serving(settings),
            rebuild=server.rebuild,
            redeploy=server.redeploy,
            let_go=server.let_go,
        ),
        opts,
    )
    return Part(component=it, outputs={"hostnames": settings.hostnames})


def _build(given: Mapping[str, Any], findings: Findings) -> Settings:
    """Builds the settings of a stack with these arguments, and stand-ins for what a part does not have."""
    whole = {
        **_STAND_IN,
        **{key: value for key, value in given.items() if key in OF_SITES},
        "zones": [{"name": each} for each in {**_list_zones(given.get("sites")), _ANYWHERE: None}],
    }
    try:
        return build(whole, deployment=_name_deployment(), before=findings)
    except FindingsError as error:
        beside = (f"{NAMESPACE}:zones", f"{NAMESPACE}:servers")
        _refuse([each for each in error.findings if not each.place.startswith(beside)])
        raise


def _list_zones(sites: object) -> dict[str, None]:
    """Gives a zone for each hostname of the sites, since a part has no zones: the hostname itself, without `*.`."""
    given = [
        name
        for site in (sites if isinstance(sites, list) else [])
        if isinstance(site, Mapping) and (found := site.get("hostname"))
        for name in (found if isinstance(found, list) else [found])
    ]
    return dict.fromkeys(
        name.removeprefix("*.") for name in given if isinstance(name, str) and name != "*"
    )


PARTS: Mapping[str, Callable[[str, Any, pulumi.ResourceOptions | None], Awaitable[Part]]] = {
    "Tunnel": make_tunnel,
    "Records": make_records,
    "Access": make_access,
    "NixosHost": make_nixos_host,
}
"""What makes each part, by the name of its type."""
