"""Says how long something is still valid."""

from datetime import datetime, timedelta, timezone

SOON = timedelta(days=14)
"""What ends within it needs somebody."""


def find_time_left(ends: str) -> timedelta:
    """Gives the time until a moment as the API writes it; less than none if it is over."""
    return datetime.fromisoformat(ends.replace("Z", "+00:00")) - datetime.now(timezone.utc)
