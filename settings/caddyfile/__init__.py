"""Caddy's language, in which users write lines of their own."""
