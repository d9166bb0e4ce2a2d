"""The package as Pulumi talks to it."""

from typing import Any

import pulumi
from pulumi.provider import ConstructResult, Provider

from package.schema import FILE, SITES, VERSION
from package.sites import Sites

_COMPONENTS = {SITES: Sites}


class Package(Provider):
    """Makes the components of the schema."""

    def __init__(self) -> None:
        super().__init__(VERSION, FILE.read_text(encoding="utf-8"))

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
        made = _COMPONENTS[resource_type](name, inputs, options)
        return ConstructResult(made.urn, made.made)
