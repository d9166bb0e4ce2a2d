"""cloudflared's own configuration language: its keys, its rules, its checks."""

from ingress.flags import SETTINGS
from ingress.keys import ORIGIN_REQUEST
from ingress.order import specific_first
from ingress.origins import check_origin
from ingress.router import Router
from ingress.rules import Rule
from ingress.shape import Findings
from ingress.traps import check_order, check_rule, check_settings
from ingress.unclean import UNCLEAN, refusing_unclean

__all__ = [
    "ORIGIN_REQUEST",
    "SETTINGS",
    "UNCLEAN",
    "Findings",
    "Router",
    "Rule",
    "check_order",
    "check_origin",
    "check_rule",
    "check_settings",
    "refusing_unclean",
    "specific_first",
]
