"""Reads the arguments of a component by the reader of the stack file's keys."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pulumi

from components import Connection, SshServer
from components.deploy import make_connection
from settings import FindingsError, Server, Settings
from settings.errors import make_configuration_error
from settings.reading.api_access import Access, read_access
from settings.reading.build import NAMESPACE, build
from settings.reading.load import ENCRYPTED, check_ssh_key
from values.findings import Finding, Findings, Kind

NOT_KNOWN = Kind("not-known", "A component has to know an argument in a preview, and does not yet.")
_OF_A_SERVER = re.compile(
    rf"{NAMESPACE}:servers\.[^.]+\.(?:bastion\.)?(address|port|user|hostKey)()"
)
"""What another resource of the program may tell, as a new machine does."""
_SSH_KEY = "sshPrivateKey"
_SECRETS = (_SSH_KEY, "tunnelSecret")


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """The checked arguments of the component `Sites`."""

    settings: Settings
    access: Access
    connections: Mapping[str, Connection]
    """The way to each server of which another resource tells something, by its name."""


async def read_arguments(inputs: Mapping[str, Any], name: str) -> Arguments:
    """Reads the inputs of the component `name`.

    Raises:
        FindingsError: they cannot work; it names everything that is wrong.
    """
    reader = Reader(may_be_told=_OF_A_SERVER)
    raw = await reader.read_all(inputs)
    secrets = {key: raw.pop(key, None) for key in _SECRETS}
    findings = reader.findings
    private_key = reader.read_private_key(inputs, secrets[_SSH_KEY])
    try:
        access = read_access()
    except FindingsError as error:
        findings.errors += error.findings
    try:
        settings = build(
            raw,
            deployment=f"{pulumi.get_project()}/{pulumi.get_stack()}/{name}",
            ssh_private_key=private_key,
            tunnel_secret=secrets["tunnelSecret"],
            before=findings,
        )
    except FindingsError as error:
        raise make_configuration_error(
            reader.leave_out_consequences(error), f"The arguments of '{name}' have"
        ) from None
    return Arguments(
        settings=settings,
        access=access,
        connections={
            server.name: read_connection(settings, server, told)
            for server in settings.servers
            if (told := reader.list_told(f"servers.{server.name}"))
        },
    )


@dataclass
class Reader:
    """Turns the inputs of a component into plain values, and keeps the outputs that may stay unknown in a preview."""

    may_be_told: re.Pattern[str]
    """The places where another resource may tell the value; its first or second group is the key, of which `make_stand_in`
    knows."""
    findings: Findings = field(default_factory=Findings)
    told: dict[str, pulumi.Output[Any]] = field(default_factory=dict)
    """The outputs of other resources, by their place."""

    async def read_all(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Gives the plain values of all inputs of a component."""
        return {key: await self.read_value(it, f"{NAMESPACE}:{key}") for key, it in inputs.items()}

    def list_told(self, name: str = "") -> dict[str, pulumi.Output[Any]]:
        """Gives the outputs of other resources that stand in an argument, or in all of them, by their path in it."""
        prefix = f"{NAMESPACE}:{name}{name and '.'}"
        return {
            place.removeprefix(prefix): it
            for place, it in self.told.items()
            if place.startswith(prefix)
        }

    def read_private_key(
        self, inputs: Mapping[str, Any], plain: str | None
    ) -> pulumi.Output[str] | None:
        """Gives the SSH key, which is checked if it is known already; `None`: the SSH agent's is used."""
        given = inputs.get(_SSH_KEY)
        if given is None or plain is not None:
            check_ssh_key(plain, self.findings)
        return None if given is None else pulumi.Output.secret(given)

    async def read_value(self, given: Any, place: str) -> Any:
        """Gives the plain value of an input, with stand-ins that can be checked for what is not known yet."""
        if isinstance(given, pulumi.Output):
            return await self._read_output(given, place)
        if isinstance(given, Mapping):
            return {
                key: await self.read_value(each, f"{place}.{key}") for key, each in given.items()
            }
        if isinstance(given, list):
            return [await self.read_value(each, f"{place}[{at}]") for at, each in enumerate(given)]
        # Pulumi sends every number as a float.
        return int(given) if isinstance(given, float) and given.is_integer() else given

    async def _read_output(self, given: pulumi.Output[Any], place: str) -> Any:
        known, found = await given.is_known(), await given.future(with_unknowns=True)
        if told := self.may_be_told.fullmatch(place):
            self.told[place] = given
            return (
                await self.read_value(found, place)
                if known
                else make_stand_in(told[1] or told[2], place)
            )
        secret = place.removeprefix(f"{NAMESPACE}:")
        if secret == _SSH_KEY and not known:
            return None
        if not known:
            self.findings.add(
                NOT_KNOWN,
                place,
                "is known only after another resource of this update is made, expected a value that a preview knows.",
                "Write it out, or make what it comes from by another stack or an earlier update.",
            )
        elif secret not in _SECRETS and await given.is_secret():
            self.findings.add(
                ENCRYPTED,
                place,
                "holds an encrypted value, which would be plain in the state and on the servers.",
                "Give it in clear.",
            )
        return await self.read_value(found, place) if known else None

    def leave_out_consequences(self, error: FindingsError) -> list[Finding]:
        """Leaves out the errors about values that are missing only because they are not known yet."""
        unknown = [each.place for each in self.findings.errors if each.kind is NOT_KNOWN]
        return [
            each for each in error.findings if each.kind is NOT_KNOWN or each.place not in unknown
        ]


def make_stand_in(key: str, place: str) -> object:
    """Gives a valid value that no other place has, which stands for an unknown one in the checks of a preview."""
    digest = hashlib.sha256(place.encode()).digest()
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + digest
    return {
        "address": f"{digest.hex()[:32]}.invalid",
        "port": 22,
        "user": "root",
        "hostKey": f"ssh-ed25519 {b64encode(blob).decode()}",
        "accountId": digest.hex()[:32],
        "zoneId": digest.hex()[:32],
        "tunnelId": str(UUID(digest.hex()[:32])),
        "target": "unknown",
        "credentials": "{}",
        "audience": digest.hex(),
    }[key]


def read_connection(
    settings: Settings, server: Server, told: Mapping[str, pulumi.Output[Any]]
) -> Connection:
    """Gives the SSH connection to a server, with what another resource tells of it: `told`, by the server's key."""
    made = make_connection(settings, server)
    return replace(
        made,
        server=_take_told(made.server, told, ""),
        bastion=made.bastion and _take_told(made.bastion, told, "bastion."),
    )


def _take_told(end: SshServer, told: Mapping[str, pulumi.Output[Any]], prefix: str) -> SshServer:
    outputs: dict[str, Any] = {
        name: told[f"{prefix}{key}"].apply(make)
        for name, key, make in _FIELDS
        if f"{prefix}{key}" in told
    }
    return replace(end, **outputs)


_FIELDS: Any = (
    ("address", "address", str),
    ("host_key", "hostKey", lambda text: " ".join(text.split()[:2])),
    ("port", "port", int),
    ("user", "user", str),
)
"""Each field of an `SshServer` with its key, and what makes it of the key's value."""
