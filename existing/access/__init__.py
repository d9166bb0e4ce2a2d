"""Looks at what the stack has of Cloudflare Access: whether it is there, whose it is, and who has changed it."""
