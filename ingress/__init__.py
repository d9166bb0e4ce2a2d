"""The command line for cloudflared's configuration files."""

from values.packages import require

require("yaml")
