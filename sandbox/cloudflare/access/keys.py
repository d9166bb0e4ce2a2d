"""Operations on a team's keys."""

from ..routes import Call, Json, Reply, Route
from .team import Team

_ALL = "/accounts/{acc}/access/keys"
_INTERVAL_DAYS = 42


def get(call: Call) -> Reply:
    return Reply(result=_shown(call))


def rotate(call: Call) -> Reply:
    Team(call.store, call.path["acc"]).rotate()
    return Reply(result=_shown(call))


def _shown(call: Call) -> Json:
    made = Team(call.store, call.path["acc"]).keys()[0]["made"]
    return {
        "days_until_next_rotation": _INTERVAL_DAYS,
        "key_rotation_interval_days": _INTERVAL_DAYS,
        "last_key_rotation_at": made,
    }


ROUTES = (
    Route(method="GET", template=_ALL, handler=get, permission="access_organizations:read"),
    Route(
        method="POST",
        template=_ALL + "/rotate",
        handler=rotate,
        permission="access_organizations:edit",
    ),
)
