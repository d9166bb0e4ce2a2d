"""A Cloudflare and a NixOS server to practise on, on loopback."""
