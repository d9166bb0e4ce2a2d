"""What a visitor gets of a stack's sites through Cloudflare: which URLs are asked for, and whose fault an answer is."""

from edge.hops import HOPS
from edge.urls import asked_of, hostname_of, path_of, urls_of

__all__ = ["HOPS", "asked_of", "hostname_of", "path_of", "urls_of"]
