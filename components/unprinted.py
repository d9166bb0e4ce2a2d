"""What a saved plan would print: Pulumi compares a plan with each input and prints both values where they differ, secrets too.

See `checkDiff` and `MakeError` in `pkg/resource/deploy/plan.go` of Pulumi 3.259.
"""

import hashlib
import json
from typing import Any

import pulumi


def secret_once_known(value: pulumi.Output[str]) -> pulumi.Output[str]:
    """The value, as a secret as soon as there is one.

    In a preview a secret that does not exist yet is planned as an empty one, which differs from any that is made then.
    What is plainly unknown may become anything.
    """
    text: Any = value.future(with_unknowns=True)
    return pulumi.Output(value.resources(), text, value.is_known(), is_secret=value.is_known())


def seal(*secrets: object) -> pulumi.Output[str]:
    """A digest of what the inputs of a component's children are made of, to be an input of the component.

    Where one differs from the plan, the run ends at the component, and what is printed is the digest. Each secret has to
    be one that cannot be guessed: the digest is plain in the state.
    """
    return pulumi.Output.unsecret(
        pulumi.Output.all(*secrets).apply(
            lambda values: hashlib.sha256(json.dumps(values, default=vars).encode()).hexdigest()
        )
    )
