"""The component `Sites`: a whole deployment."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.deploy import Within
from components.whole import declare
from edge import list_urls
from package.arguments import read_arguments
from package.later import await_outputs
from package.schema import OUTPUTS, SITES
from package.words import tell_arguments


class Sites(pulumi.ComponentResource):
    """The tunnel, the servers that run it and the records, as a stack file of the same keys would make them."""

    made: Mapping[str, pulumi.Output[Any]]
    """The outputs."""

    def __init__(self, name: str, inputs: Any, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(SITES, name, {}, opts)
        self.made = await_outputs(self._make(name, inputs), OUTPUTS)

    async def _make(self, name: str, inputs: Any) -> dict[str, Any]:
        """Makes the deployment and gives its outputs.

        Raises:
            FindingsError: the arguments, or what is at Cloudflare, stand in the way.
        """
        arguments = await read_arguments(inputs, name)
        made = await declare(
            arguments.settings,
            arguments.access,
            connections=arguments.connections,
            within=Within(component=self, prefix=f"{name}-"),
            tell=tell_arguments,
        )
        outputs = {
            "tunnelId": made.tunnel.tunnel_id,
            "hostnames": arguments.settings.hostnames,
            "urls": list_urls(arguments.settings),
            "serviceTokens": pulumi.Output.secret(made.service_tokens),
        }
        self.register_outputs(outputs)
        return outputs
