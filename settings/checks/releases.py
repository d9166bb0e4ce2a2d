"""Finds releases of cloudflared that are known to be bad."""

import re

from settings.model.stack import Settings
from values.findings import Findings, make_warning

BAD_RELEASE = make_warning("bad-release", "The release of cloudflared is known to be bad.")
_BAD = re.compile(r"(?:^|[^0-9.])(2026\.8\.[01])(?:$|[^0-9.])")
"""By cloudflared's release notes, where 2026.8.2 takes back what they do."""


def check(settings: Settings, findings: Findings) -> None:
    """Warns if the stack's own cloudflared is a bad release; of nixpkgs' one the server warns."""
    if (package := settings.package) is None:
        return
    for key, text in (("version", package.version), ("rev", package.rev)):
        if (found := _BAD.search(text)) is not None:
            findings.add(
                BAD_RELEASE,
                f"argoweb:package.{key}",
                f"cloudflared {found[1]} changes the path that your services get: it decodes it and takes a slash at its end "
                "away.",
                "Take 2026.8.2 or newer.",
            )
            return
