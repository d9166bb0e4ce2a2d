"""The command line for cloudflared's configuration files."""
