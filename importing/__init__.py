"""Configuration files that exist already: what cloudflared says of one, and the stack file for it."""
