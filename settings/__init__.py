"""A stack's configuration, checked: what it declares, or everything that is wrong with it."""

from settings.api_access import Access, read_access
from settings.errors import FindingsError
from settings.load import load_settings
from settings.model import (
    Bastion,
    Rebuild,
    Server,
    Settings,
    Site,
    Zone,
    comment_of,
    owner_mark,
    owner_of,
)
from settings.telling import tell

__all__ = [
    "Access",
    "Bastion",
    "FindingsError",
    "Rebuild",
    "Server",
    "Settings",
    "Site",
    "Zone",
    "comment_of",
    "load_settings",
    "owner_mark",
    "owner_of",
    "read_access",
    "tell",
]
