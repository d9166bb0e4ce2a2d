# The server's own configuration, as its owner would have it. The one line for argoweb is the import.
{ ... }:

{
  imports = [ (if builtins.pathExists /etc/caddy/argoWeb.nix then /etc/caddy/argoWeb.nix else { }) ];

  networking.hostName = "web1";

  # A small web app that Caddy passes requests to, and a service that cloudflared reaches by itself.
  systemd.services.app = {
    wantedBy = [ "multi-user.target" ];
    serviceConfig.ExecStart = "/opt/sandbox/bin/python3 /etc/nixos/app.py 3000 app";
  };
  systemd.services.status = {
    wantedBy = [ "multi-user.target" ];
    serviceConfig.ExecStart = "/opt/sandbox/bin/python3 /etc/nixos/app.py 3001 status";
  };
}
