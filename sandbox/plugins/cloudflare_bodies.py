"""The bodies that the official plugin sends, with a fault that its encoder has.

From `internal/apijson/encoder.go` of terraform-provider-cloudflare 5.19.1. Its encoders are made once a process and kept
by type and by whether they leave out what is equal to the state. One for texts that is made while a PATCH adds a text
to a state that has none is kept as one that leaves nothing out, yet does: its closure follows a flag that is set back
afterwards. A POST is encoded with itself as the state, so it has no text left from then on.
"""

from typing import Any

Body = dict[str, Any]


class Bodies:
    """What one plugin process sends; each value is JSON."""

    def __init__(self) -> None:
        self._texts_are_left_out: bool | None = None
        """Whether the kept encoder does that; `None`: there is none yet."""

    def whole(self, values: Body, state: Body) -> Body:
        """The body of a PUT, or of a POST, whose state is what it sends."""
        if self._texts_are_left_out is None:
            self._texts_are_left_out = False
        if not self._texts_are_left_out:
            return values
        left: Body = _without_texts(values, state)
        return left

    def changes(self, values: Body, state: Body) -> Body:
        """The body of a PATCH: what differs from the state."""
        found = {name: value for name, value in values.items() if value != state.get(name)}
        added = (isinstance(found[name], str) and state.get(name) is None for name in found)
        if self._texts_are_left_out is None and any(added):
            self._texts_are_left_out = True
        return found


def _without_texts(value: Any, state: Any) -> Any:
    """Without the texts that the state has too; in a list, a text that is left out is `null`."""
    if isinstance(value, list):
        there = [*(state if isinstance(state, list) else []), *[None] * len(value)]
        pairs = zip(value, there, strict=False)
        return [None if isinstance(item, str) else _without_texts(item, old) for item, old in pairs]
    if not isinstance(value, dict):
        return value
    old = state if isinstance(state, dict) else {}
    return {
        name: _without_texts(item, old.get(name))
        for name, item in value.items()
        if not isinstance(item, str) or item != old.get(name)
    }
