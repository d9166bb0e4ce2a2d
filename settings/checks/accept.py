"""Checks that `argoweb:accept` names warnings."""

from settings import looked_up, on_servers  # noqa: F401 so that their codes are known too
from settings.model.stack import Settings
from values.findings import KINDS, Findings, Kind
from values.tables import name_nearest

UNKNOWN_CODE = Kind("unknown-code", "`argoweb:accept` has a code that no finding has.")
NOT_ACCEPTABLE = Kind("not-acceptable", "`argoweb:accept` has the code of an error.")


def check(settings: Settings, findings: Findings) -> None:
    """Refuses codes that are not those of a warning; an error cannot be silenced."""
    known = [code for code, kind in KINDS.items() if kind.can_be_accepted]
    for index, code in enumerate(settings.accept):
        place = f"argoweb:accept[{index}]"
        if code not in KINDS:
            findings.add(UNKNOWN_CODE, place, f"unknown code '{code}'.", name_nearest(code, known))
        elif code not in known:
            text = f"'{code}' is the code of an error, which cannot be silenced."
            findings.add(NOT_ACCEPTABLE, place, text, "Leave it out, and mend what it tells of.")
