"""Cookies, redirects and pages of Access."""

import html
from http.cookies import SimpleCookie

from ..http import Head, Response

SESSION, BINDING = "CF_Authorization", "CF_Binding"
APP_SESSION, LOGIN_SESSION = "CF_AppSession", "CF_Session"
_NEVER_KEPT = (
    "Cache-Control",
    "private, max-age=0, no-store, no-cache, must-revalidate, post-check=0, pre-check=0",
)
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:28em;margin:4em auto;padding:0 1em}"
    "input,button{font:inherit;padding:.3em .5em}"
)


def cookies(head: Head, name: str) -> list[str]:
    """All values of a cookie in a request, be they in one header or in several."""
    pairs = [
        part.strip().partition("=")
        for key, value in head.headers
        if key.lower() == "cookie"
        for part in value.split(";")
    ]
    return [value for key, _, value in pairs if key == name]


def cookie(head: Head, name: str) -> str:
    """The first value of a cookie; empty where there is none."""
    return next(iter(cookies(head, name)), "")


def without_cookie(value: str, name: str) -> str:
    """A header's value without one cookie."""
    parts = (part.strip() for part in value.split(";"))
    return "; ".join(part for part in parts if part and part.partition("=")[0] != name)


def set_cookie(
    name: str,
    value: str,
    *,
    seconds: int,
    path: str = "/",
    http_only: bool = True,
    same_site: str = "",
) -> tuple[str, str]:
    """A header that sets a cookie, or takes it away with 0 seconds."""
    jar: SimpleCookie = SimpleCookie()
    jar[name] = value
    jar[name]["path"] = path
    jar[name]["max-age"] = seconds
    jar[name]["secure"] = True
    jar[name]["httponly"] = http_only
    if same_site:
        jar[name]["samesite"] = same_site.title()
    return ("Set-Cookie", jar[name].OutputString())


def redirect(location: str, *headers: tuple[str, str]) -> Response:
    return Response(status=302, headers=[("Location", location), _NEVER_KEPT, *headers])


def page(status: int, title: str, body: str, *headers: tuple[str, str]) -> Response:
    """A page; `body` is HTML, `title` is text."""
    text = (
        f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title>"
        f"<style>{_STYLE}</style><h1>{html.escape(title)}</h1>{body}</html>\n"
    )
    return Response(
        status=status,
        body=text.encode(),
        headers=[
            ("Content-Type", "text/html; charset=UTF-8"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "no-referrer"),
            _NEVER_KEPT,
            *headers,
        ],
    )


def paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"
