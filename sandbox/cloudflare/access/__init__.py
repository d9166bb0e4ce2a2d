"""Cloudflare Access: its API, its decisions at the edge, the team's login pages and keys."""
