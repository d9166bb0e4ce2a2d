"""A stack's configuration, checked: what it declares, or everything that is wrong with it."""

from settings.errors import SettingsError
from settings.load import load
from settings.model import Server, Settings, Site, Zone

__all__ = ["Server", "Settings", "SettingsError", "Site", "Zone", "load"]
