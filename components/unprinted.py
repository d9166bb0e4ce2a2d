"""Keeps secrets out of what a saved plan prints: Pulumi compares it with each input and prints both values of one that differs.

See `checkDiff` and `MakeError` in `pkg/resource/deploy/plan.go` of Pulumi 3.259.
"""

import hashlib
import json
from typing import Any

import pulumi


def hide_once_known(value: pulumi.Output[str]) -> pulumi.Output[str]:
    """Gives the value, as a secret once it is known.

    In a preview a secret that does not exist yet is planned as an empty one, which differs from any that is made then.
    What is plainly unknown may become anything.
    """
    text: Any = value.future(with_unknowns=True)
    return pulumi.Output(value.resources(), text, value.is_known(), is_secret=value.is_known())


def seal(*secrets: object) -> pulumi.Output[str]:
    """Gives a digest of the secrets behind the inputs of a component's children, to be an input of the component.

    Where one differs from the plan, the run ends at the component, and what is printed is the digest. Each secret has to
    be one that cannot be guessed: the digest is plain in the state.
    """
    return pulumi.Output.unsecret(
        pulumi.Output.all(*secrets).apply(
            lambda values: hashlib.sha256(json.dumps(values, default=vars).encode()).hexdigest()
        )
    )
