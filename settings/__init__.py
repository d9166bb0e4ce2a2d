"""A stack's configuration, checked: what it declares, or everything that is wrong with it."""

from settings import packages  # noqa: F401 before all that needs them
from settings.errors import FindingsError
from settings.model.marks import find_owner, write_comment, write_mark
from settings.model.stack import Bastion, Rebuild, Server, Settings, Site, Zone
from settings.reading.api_access import Access, read_access
from settings.reading.load import load_settings
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
    "find_owner",
    "load_settings",
    "read_access",
    "tell",
    "write_comment",
    "write_mark",
]
