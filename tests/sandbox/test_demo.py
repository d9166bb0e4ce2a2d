"""What the guided tour says at its end."""

import pytest

from sandbox import demo


def test_who_came_by_sudo_is_told_to_become_root_before_all_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    as_root = demo.advice()
    monkeypatch.setenv("SUDO_USER", "somebody")
    first, *rest = demo.advice()

    assert first.startswith("sudo -s ")
    assert tuple(rest) == as_root
