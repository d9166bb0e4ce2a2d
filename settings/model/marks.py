"""Writes and reads the comment of a record, which says whose it is."""

import re

from settings.model.stack import Site

LONGEST_COMMENT = 100
"""Characters of a record's comment that every plan of Cloudflare takes."""


def write_comment(site: Site, mark: str) -> str:
    """Writes the comment of a site's record: the user's words, then whose it is."""
    return f"{site.dns.comment} ({mark})" if site.dns.comment else mark


_MARK = re.compile(r"(?:^|\()argoweb ([\w.-]+(?:/[\w.-]+){1,2})\)?$")


def write_mark(deployment: str) -> str:
    """Writes the mark of a deployment's records; `deployment` is `project/stack`, or `project/stack/component`."""
    return f"argoweb {deployment}"


def find_owner(comment: str | None) -> str | None:
    """Gives the deployment whose mark ends a record's comment; `None` if none does."""
    found = _MARK.search(comment or "")
    return found and found[1]
