"""The provider by which Pulumi makes components of the package."""

from typing import Any

import pulumi
from pulumi.provider import ConstructResult, Provider

from package.later import await_outputs
from package.parts import PARTS
from package.schema import OUTPUTS_OF, SITES, make_schema
from package.sites import Sites
from settings.contract import VERSION


class Package(Provider):
    """Makes the components that the package's schema has."""

    def __init__(self) -> None:
        super().__init__(VERSION, make_schema())

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: Any,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Makes a component.

        Raises:
            InputPropertiesError: by an output, where the arguments or what is at Cloudflare are in the way.
        """
        if resource_type == SITES:
            whole = Sites(name, inputs, options)
            return ConstructResult(whole.urn, whole.made)
        kind = resource_type.rpartition(":")[2]

        async def make() -> dict[str, Any]:
            part = await PARTS[kind](name, inputs, options)
            return {**part.outputs, "urn": part.component.urn}

        outputs = await_outputs(make(), ["urn", *OUTPUTS_OF[kind]])
        return ConstructResult(
            outputs["urn"], {key: outputs[key] for key in outputs if key != "urn"}
        )
