# Two samples of what is counted on the server, some seconds apart, at each address that `metrics` is given.
sample() {
  printf 'sample\t%s\n' "$EPOCHREALTIME"
  for address; do
    printf 'from\t%s\n' "$address"
    curl -sf -m 5 --noproxy '*' "http://$address/metrics" |
      grep -E '^(caddy_http_request_duration_seconds_(bucket|sum|count)|cloudflared_tunnel_(total_requests|request_errors))' || true
  done
}
metrics() {
  sample "$@"
  sleep 3
  sample "$@"
  echo end
}
