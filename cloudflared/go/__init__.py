"""Go's own languages, as cloudflared reads them: regular expressions, YAML, hostnames, URLs, durations."""
