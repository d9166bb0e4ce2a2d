"""A stand-in for Cloudflare on the loopback: API, edge and the tunnel's far end in one process."""
