"""A whole deployment as one component."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any

import pulumi
from pulumi import InputPropertiesError

from components.deploy import Within
from components.whole import declare
from edge import urls_of
from package.arguments import read_arguments
from package.schema import OUTPUTS, SITES
from package.words import in_arguments, of_arguments
from settings import FindingsError, tell
from values.findings import Finding


class Sites(pulumi.ComponentResource):
    """The tunnel, the servers that run it and the records, as a stack file of the same keys would make them."""

    made: Mapping[str, pulumi.Output[Any]]
    """The outputs. Whoever awaits one is told what went wrong, so no error is lost."""

    def __init__(self, name: str, inputs: Any, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(SITES, name, {}, opts)
        # What is there already has to be awaited, and a constructor cannot.
        made = asyncio.ensure_future(self._made(name, inputs))
        self.made = {key: _later(made, key) for key in OUTPUTS}

    async def _made(self, name: str, inputs: Any) -> dict[str, Any]:
        """The outputs.

        Raises:
            InputPropertiesError: the arguments, or what is at Cloudflare, stand in the way.
        """
        try:
            arguments = await read_arguments(inputs, name)
            made = await declare(
                arguments.settings,
                arguments.access,
                connections=arguments.connections,
                within=Within(component=self, prefix=f"{name}-"),
                tell=_tell,
            )
        except FindingsError as error:
            raise InputPropertiesError(error.heading, [*map(_refused, error.findings)]) from None
        except pulumi.RunError as error:
            raise InputPropertiesError(in_arguments(str(error))) from None
        outputs = {
            "tunnelId": made.tunnel.tunnel_id,
            "hostnames": arguments.settings.hostnames,
            "urls": urls_of(arguments.settings),
            "serviceTokens": pulumi.Output.secret(made.service_tokens),
        }
        self.register_outputs(outputs)
        return outputs


def _later(made: Awaitable[Mapping[str, Any]], key: str) -> pulumi.Output[Any]:
    async def awaited() -> Any:
        return (await made)[key]

    return pulumi.Output.from_input(awaited())


def _refused(finding: Finding) -> Any:
    """A finding as Pulumi shows what is wrong with an input."""
    told = of_arguments(finding)
    return {"property_path": told.place, "reason": told.message}


def _tell(warnings: Iterable[Finding], notices: Iterable[str]) -> None:
    tell(map(of_arguments, warnings), map(in_arguments, notices))
