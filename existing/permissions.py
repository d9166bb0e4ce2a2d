"""Names the permissions of an API token as Cloudflare's dashboard does."""

TUNNEL = "Account · Cloudflare Tunnel · Edit (newer: Cloudflare One Connector: cloudflared · Edit)"
DNS = "Zone · DNS · Edit"
ZONE = "Zone · Zone · Read"
ACCESS = "Account · Access: Apps and Policies · Edit"
SERVICE_TOKENS = "Account · Access: Service Tokens · Edit"
NOTIFICATIONS = "Account · Notifications · Edit"
ORGANIZATION = "Account · Access: Organizations, Identity Providers, and Groups · Read"
