"""Checks whether what a stack declares works together: each module looks at one subject of the finished settings by its `check`."""

from importlib import import_module
from pkgutil import iter_modules

from settings.model.stack import Settings
from values.findings import Findings


def check_all(settings: Settings, findings: Findings) -> None:
    """Runs every check of this folder. None relies on another one, and all take settings whose malformed parts are left out."""
    for module in iter_modules(__path__, f"{__name__}."):
        import_module(module.name).check(settings, findings)
