"""Asks for a stack's sites as a visitor does, through Cloudflare: which URLs are asked for, and whose fault an answer is."""

from edge.hops import HOPS
from edge.urls import find_hostname, find_path, list_asked, list_urls

__all__ = ["HOPS", "find_hostname", "find_path", "list_asked", "list_urls"]
