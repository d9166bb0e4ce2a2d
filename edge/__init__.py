"""Asks for a stack's sites as a visitor does, through Cloudflare: which URLs are asked for, and whose fault an answer is."""

from edge.hops import HOPS
from edge.urls import asked_of, hostname_of, path_of, urls_of

__all__ = ["HOPS", "asked_of", "hostname_of", "path_of", "urls_of"]
