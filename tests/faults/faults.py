"""Faults that the sandbox's server can be told to have."""

from sandbox.world import World


class Faults:
    """Steps of a server's `nixos-rebuild` and `switch-to-configuration` that fail or wait."""

    def __init__(self, world: World, server: str = "web1") -> None:
        self._folder = world.host_root(server) / "etc/sandbox"

    def fail(self, step: str, text: str = "it fails for a test\n") -> None:
        """The step fails with the text."""
        self._put("fail", step, text)

    def hold(self, step: str) -> None:
        """The step waits until `clear`."""
        self._put("hold", step, "")

    def clear(self) -> None:
        """All goes well again."""
        for kind in ("fail", "hold"):
            for file in (self._folder / kind).glob("*"):
                file.unlink()

    def _put(self, kind: str, step: str, text: str) -> None:
        folder = self._folder / kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / step).write_text(text)
