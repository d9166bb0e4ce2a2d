"""A stack's configuration, checked: what it declares, or everything that is wrong with it."""

from settings.access import Access, access
from settings.errors import SettingsError
from settings.load import load
from settings.model import Bastion, Rebuild, Server, Settings, Site, Zone, owner_mark
from settings.records import comment_of

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
