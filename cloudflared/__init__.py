"""cloudflared's own configuration language: its keys, its rules, its checks."""

from cloudflared.beside import check_settings
from cloudflared.flags import SETTINGS
from cloudflared.handed_over import leave_out_handed_over
from cloudflared.hidden import check_order
from cloudflared.keys import ORIGIN_REQUEST
from cloudflared.order import put_specific_first
from cloudflared.origins import check_origin
from cloudflared.router import Router
from cloudflared.rules import Rule
from cloudflared.unclean import UNCLEAN, refuse_unclean
from cloudflared.warnings import check_rule

__all__ = [
    "ORIGIN_REQUEST",
    "SETTINGS",
    "UNCLEAN",
    "Router",
    "Rule",
    "check_order",
    "check_origin",
    "check_rule",
    "check_settings",
    "leave_out_handed_over",
    "put_specific_first",
    "refuse_unclean",
]
