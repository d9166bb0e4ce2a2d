"""Services that a rule can lead to, as cloudflared's `ingress/ingress.go` takes them."""

import re
from dataclasses import dataclass

from cloudflared.go import idna, urls
from cloudflared.go.urls import Url, UrlError

_STATUS = re.compile(r"http_status:\+?0*([1-9][0-9]{2})")
_UNIX = ("unix", "unix+tls")
_HTTP = ("http", "https", "ws", "wss")
_DEFAULT_PORTS = {"ssh": 22, "rdp": 3389, "smb": 445, "tcp": 7864}
_HIGHEST_PORT = 65535
_NO_SCHEME = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:]+\]):[0-9]+")
_EXPECTED = (
    "a service: http(s)://host:port, unix:/path, unix+tls:/path, tcp://, ssh://, rdp://, smb://, "
    "http_status:404, hello_world, bastion or socks-proxy"
)


class ServiceError(ValueError):
    """cloudflared refuses the service; the text says what it expects."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service as cloudflared understands it."""

    shown: str
    """How cloudflared prints it."""
    url: Url | None = None


def parse(text: str, *, bastion_mode: bool = False) -> Service:
    """Reads what a rule's `service` stands for; in `bastionMode` no URL is looked at.

    Raises:
        ServiceError: cloudflared refuses it.
    """
    if text.startswith(("unix:", "unix+tls:")):
        return Service(shown=text)
    if text.startswith("http_status:"):
        if (status := _STATUS.fullmatch(text)) is None:
            raise ServiceError("a status from 100 to 999 after 'http_status:'")
        return Service(shown=f"http_status:{status[1]}")
    if text in ("hello_world", "hello-world"):
        return Service(shown="hello_world")
    if text == "socks-proxy":
        return Service(shown=text)
    if text == "bastion" or bastion_mode:
        return Service(shown="bastion")
    if _NO_SCHEME.fullmatch(text):
        raise ServiceError(_EXPECTED)
    try:
        url = urls.parse(text)
    except UrlError as error:
        raise ServiceError(f"a URL, which has no such thing as {error}") from error
    if not url.scheme or not url.hostname:
        raise ServiceError(_EXPECTED)
    if url.path:
        raise ServiceError(
            "a URL without a path, since cloudflared takes the path from the request (not even a final '/')"
        )
    return Service(shown=_write(url), url=url)


def _write(url: Url) -> str:
    if url.scheme in _HTTP:
        return str(url)
    host, port = url.host, _DEFAULT_PORTS.get(url.scheme)
    if port is not None and not url.port:
        host = f"[{url.hostname}]:{port}" if ":" in url.hostname else f"{url.hostname}:{port}"
    return f"{url.scheme}://{host}"


def find_doubt(text: str, service: Service) -> str | None:
    """Says what a service that cloudflared takes should rather be; `None` for a good one."""
    url = service.url
    if url is None:
        scheme, _, path = text.partition(":")
        return (
            None
            if scheme not in _UNIX or path.startswith("/")
            else f"an absolute path on the server after '{scheme}:'"
        )
    if url.hostname in ("http_status", "hello_world"):
        return "a service, not a URL with its name"
    if not url.hostname.isascii() and not idna.look_up_name(url.hostname):
        return "a URL whose host DNS can have"
    if url.query or url.fragment:
        return "a URL without a query and fragment, since cloudflared takes them from the request"
    if url.user is not None:
        return "a URL without a user name"
    if len(url.port) > 5 or (url.port and not 1 <= int(url.port) <= _HIGHEST_PORT):
        return "a URL with a port from 1 to 65535"
    if not url.port and url.scheme not in (*_HTTP, *_DEFAULT_PORTS):
        return f"a port, since '{url.scheme}' has no default one"
    return None
