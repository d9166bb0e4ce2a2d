"""What the real cloudflared does, asked of the sandbox's imitation as well: one suite for both."""
