"""What comes later: a component has to await what it is told and what is there, and its constructor cannot."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any

import pulumi
from pulumi import InputPropertiesError

from package.words import in_arguments, of_arguments
from settings import FindingsError
from values.findings import Finding


def later(
    made: Awaitable[Mapping[str, Any]], keys: Iterable[str]
) -> Mapping[str, pulumi.Output[Any]]:
    """Outputs of what is made. Whoever awaits one is told what went wrong, so that no error is lost."""
    task = asyncio.ensure_future(_told(made))

    async def value(key: str) -> Any:
        return (await task)[key]

    return {key: pulumi.Output.from_input(value(key)) for key in keys}


async def _told(made: Awaitable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The outputs, or what went wrong as Pulumi shows what is wrong with inputs."""
    try:
        return await made
    except FindingsError as error:
        raise InputPropertiesError(error.heading, [*map(_refused, error.findings)]) from None
    except pulumi.RunError as error:
        raise InputPropertiesError(in_arguments(str(error))) from None


def _refused(finding: Finding) -> Any:
    told = of_arguments(finding)
    return {"property_path": told.place, "reason": told.message}
