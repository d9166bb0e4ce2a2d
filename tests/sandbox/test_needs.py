"""What the sandbox says of a machine that has not enough for it."""

from pathlib import Path

import pytest

from sandbox import needs
from sandbox.state import SandboxError


def test_more_servers_than_the_machine_can_watch_are_refused_with_the_way_out() -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_user_instances").read_text())

    with pytest.raises(SandboxError) as refused:
        needs.check(limit)

    assert f"{limit} servers take {6 * limit} instances of inotify" in str(refused.value)
    assert f"sysctl -w fs.inotify.max_user_instances={12 * limit}" in str(refused.value)
    assert "nothing was changed" in str(refused.value)
