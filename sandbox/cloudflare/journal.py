"""The test's eye and hand: what was asked of the API, and which faults it shall answer with."""

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .http import Request

KEPT_REQUESTS = 10_000


@dataclass(kw_only=True)
class Fault:
    """A planned fault for the requests that match.

    `method` None matches every method; `path_regex` is searched in the path. `times` is how many
    requests it still hits, None all of them. `status` None with `drop` false only delays. `drop`
    closes the connection without an answer. `after_commit` performs the request first. `code` is
    that of an error of the API, which gives status and body.
    """

    method: str | None = None
    path_regex: str = ""
    times: int | None = 1
    status: int | None = None
    code: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_ms: int = 0
    drop: bool = False
    after_commit: bool = False

    def matches(self, request: Request) -> bool:
        return (
            self.times != 0
            and self.method in (None, request.method)
            and re.search(self.path_regex, request.path) is not None
        )


class Journal:
    """Requests in order of arrival, requests outside the API's rules, and planned faults."""

    def __init__(self) -> None:
        self.requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self.violations: list[dict[str, Any]] = []
        self.faults: list[Fault] = []

    def clear(self) -> None:
        self.requests.clear()
        self.violations.clear()
        self.faults.clear()

    def take_fault(self, request: Request) -> Fault | None:
        """The first fault that matches, counted as used once."""
        for fault in self.faults:
            if fault.matches(request):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def violation(self, request: Request, message: str) -> None:
        self.violations.append({"method": request.method, "path": request.path, "message": message})
