"""Gives a component's outputs before they are made: it has to await its inputs and the look-ups, and a constructor cannot."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any

import pulumi
from pulumi import InputPropertiesError

from package.words import name_arguments, reword_finding
from settings import FindingsError
from values.findings import Finding


def await_outputs(
    made: Awaitable[Mapping[str, Any]], keys: Iterable[str]
) -> Mapping[str, pulumi.Output[Any]]:
    """Gives an output for each key of what is being made; each of them fails with what went wrong, so that no error is lost."""
    task = asyncio.ensure_future(_tell(made))

    async def await_value(key: str) -> Any:
        return (await task)[key]

    return {key: pulumi.Output.from_input(await_value(key)) for key in keys}


async def _tell(made: Awaitable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Awaits the outputs, and raises what went wrong as Pulumi shows errors of inputs."""
    try:
        return await made
    except FindingsError as error:
        raise InputPropertiesError(error.heading, [*map(_refuse, error.findings)]) from None
    except pulumi.RunError as error:
        raise InputPropertiesError(name_arguments(str(error))) from None


def _refuse(finding: Finding) -> Any:
    told = reword_finding(finding)
    return {"property_path": told.place, "reason": told.message}
