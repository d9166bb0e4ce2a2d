"""Stand-in for the random plugin: a random value that stays the same until an input changes.

After terraform-provider-random, which the official plugin wraps. Of `random_password` every character class is on by
default, the result and its bcrypt hash are secret, the id is the word `none`. Of `random_id` nothing is secret, and the
id is the value.
"""

import base64
import secrets
import string

import bcrypt

from sandbox.plugins.base import (
    Call,
    Change,
    Failure,
    Found,
    PluginError,
    Provider,
    Resource,
    serve,
)
from sandbox.plugins.values import UNKNOWN, Properties, Secret, changed, reveal

_CLASSES = {
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "numeric": string.digits,
    "special": "!@#$%&*()-_=+[]{}<>:?",
}
_ID = "none"
_BCRYPT_BYTES = 72
_DEFAULTS: Properties = {
    **dict.fromkeys([*_CLASSES, "number"], True),
    **dict.fromkeys(("minLower", "minUpper", "minNumeric", "minSpecial"), 0),
}
_KNOWN = {*_DEFAULTS, "length", "keepers", "overrideSpecial"}


class _Random(Resource):
    """Every change makes a new value."""

    def diff(self, state: Properties, old_inputs: Properties, news: Properties) -> Change:
        names = changed(old_inputs, news)
        return Change(diffs=names, replaces=names)

    def read(self, call: Call, found: Found) -> Found:
        """As recorded."""
        if found.state:
            return found
        raise PluginError("This stand-in imports nothing.")

    def update(
        self, call: Call, id: str, state: Properties, old_inputs: Properties, news: Properties
    ) -> Properties:
        return {**state, **news}

    def delete(self, call: Call, id: str, state: Properties) -> None:
        """Nothing: the value is only in the stack's state."""


class RandomPassword(_Random):
    """`random.RandomPassword`"""

    def check(self, news: Properties) -> tuple[Properties, list[Failure]]:
        failures = [
            Failure(property=name, reason="this stand-in knows only its default")
            for name in ("minLower", "minUpper", "minNumeric", "minSpecial", "overrideSpecial")
            if name in news
        ]
        failures += [
            Failure(property=name, reason="unknown property") for name in news if name not in _KNOWN
        ]
        length = reveal(news.get("length"))
        if length is not UNKNOWN and not (type(length) is int and length >= 1):
            reason = f"length is {length!r}; it must be a whole number, at least 1"
            failures.append(Failure(property="length", reason=reason))
        return news, failures

    def create(self, call: Call, news: Properties) -> tuple[str, Properties]:
        inputs = {**_DEFAULTS, **news}
        if call.preview:
            return "", {**inputs, "result": Secret(UNKNOWN), "bcryptHash": Secret(UNKNOWN)}
        alphabet = "".join(text for name, text in _CLASSES.items() if reveal(inputs[name]))
        text = "".join(secrets.choice(alphabet) for _ in range(int(reveal(inputs["length"]))))
        digest = bcrypt.hashpw(text.encode()[:_BCRYPT_BYTES], bcrypt.gensalt(10)).decode()
        return _ID, {**inputs, "result": Secret(text), "bcryptHash": Secret(digest)}


class RandomId(_Random):
    """`random.RandomId`"""

    def check(self, news: Properties) -> tuple[Properties, list[Failure]]:
        return news, [
            Failure(property=name, reason="this stand-in does not know it")
            for name in news
            if name not in ("byteLength", "keepers")
        ]

    def create(self, call: Call, news: Properties) -> tuple[str, Properties]:
        if call.preview:
            return "", {**news, **dict.fromkeys(("b64Std", "b64Url", "dec", "hex"), UNKNOWN)}
        value = secrets.token_bytes(int(reveal(news["byteLength"])))
        url = base64.urlsafe_b64encode(value).decode().rstrip("=")
        return url, {
            **news,
            "b64Std": base64.b64encode(value).decode(),
            "b64Url": url,
            "dec": str(int.from_bytes(value, "big")),
            "hex": value.hex(),
        }


if __name__ == "__main__":
    serve(
        Provider(
            "random",
            {
                "random:index/randomPassword:RandomPassword": RandomPassword(),
                "random:index/randomId:RandomId": RandomId(),
            },
        )
    )
