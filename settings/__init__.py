"""A stack's configuration, checked: what it declares, or everything that is wrong with it."""

from settings import packages  # noqa: F401 before all that needs them
from settings.api_access import Access, read_access
from settings.errors import FindingsError
from settings.load import load_settings
from settings.marks import find_owner, write_comment, write_mark
from settings.model import Bastion, Rebuild, Server, Settings, Site, Zone
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
