"""Which cloudflared this one says it is: that of the package which starts it."""

import os

VERSION = os.environ.get("SANDBOX_CLOUDFLARED_VERSION", "2026.8.2")
