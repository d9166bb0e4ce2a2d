"""Makes Cloudflare's notification of a tunnel's health."""

import pulumi

from components.cloudflare import NotificationPolicy
from settings.model.stack import Alerts


def register_alerts(
    name: str,
    *,
    account_id: str,
    called: str,
    tunnel: pulumi.CustomResource,
    told: Alerts,
    opts: pulumi.ResourceOptions,
) -> None:
    """Registers the notification for one tunnel, which has the name `called` at Cloudflare."""
    receivers = {"emails": told.email, "webhooks": told.webhooks, "pagerduties": told.pagerduty}
    NotificationPolicy(
        name,
        {
            "accountId": account_id,
            "name": called,
            "alertType": "tunnel_health_event",
            "mechanisms": {
                kind: [{"id": each} for each in ids] for kind, ids in receivers.items() if ids
            },
            "filters": {"tunnelIds": [tunnel.id], "newStatuses": [*told.when]},
        },
        opts,
    )
