"""A stack's configuration, checked: what it declares, or everything that is wrong with it."""

from settings.api_access import Access, access
from settings.checks.records import comment_of
from settings.errors import SettingsError
from settings.load import load
from settings.model import Bastion, Rebuild, Server, Settings, Site, Zone, owner_mark

__all__ = [
    "Access",
    "Bastion",
    "Rebuild",
    "Server",
    "Settings",
    "SettingsError",
    "Site",
    "Zone",
    "access",
    "comment_of",
    "load",
    "owner_mark",
]
