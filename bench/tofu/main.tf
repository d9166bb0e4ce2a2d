# The same tunnel and records in OpenTofu's words, and a command on each server that does nothing: what the measurements
# of bench/opentofu.py compare with.

terraform {
  required_providers {
    cloudflare = { source = "cloudflare/cloudflare" }
  }
}

variable "account" { type = string }
variable "secret" {
  type      = string
  sensitive = true
}
variable "private_key_file" { type = string }
variable "servers" { type = map(object({ address = string, port = number, hostKey = string })) }
variable "sites" { type = list(object({ hostname = string, zone = string })) }

resource "cloudflare_zero_trust_tunnel_cloudflared" "tunnel" {
  account_id    = var.account
  name          = "tofu"
  config_src    = "local"
  tunnel_secret = var.secret
}

resource "terraform_data" "server" {
  for_each = var.servers
  input    = cloudflare_zero_trust_tunnel_cloudflared.tunnel.id

  connection {
    host        = each.value.address
    port        = each.value.port
    user        = "root"
    private_key = file(var.private_key_file)
    host_key    = each.value.hostKey
  }

  provisioner "remote-exec" {
    inline = ["true"]
  }
}

resource "cloudflare_dns_record" "site" {
  for_each   = { for site in var.sites : site.hostname => site }
  zone_id    = each.value.zone
  name       = each.key
  type       = "CNAME"
  content    = "${cloudflare_zero_trust_tunnel_cloudflared.tunnel.id}.cfargotunnel.com"
  proxied    = true
  ttl        = 1
  depends_on = [terraform_data.server]
}
