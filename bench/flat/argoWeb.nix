# The unit of the hand-made procedure.
{ pkgs, ... }:
{
  users.users.argoWeb = {
    isSystemUser = true;
    group = "argoWeb";
    home = "/var/lib/argoWeb";
    createHome = true;
    extraGroups = [ "caddyProxy" ];
  };
  users.groups.argoWeb = { };
  users.groups.caddyProxy = { };

  services.caddy = {
    enable = true;
    extraConfig = "import /etc/caddy/argoWeb.caddy";
  };

  systemd.services.argoWeb = {
    after = [ "network-online.target" ];
    wants = [ "network-online.target" ];
    wantedBy = [ "multi-user.target" ];
    serviceConfig = {
      # The credentials came before the user.
      ExecStartPre = "+${pkgs.coreutils}/bin/chown argoWeb: /var/lib/argoWeb/credentials.json";
      ExecStart = "${pkgs.cloudflared}/bin/cloudflared --config /etc/caddy/argoWeb.yml --no-autoupdate tunnel run";
      Type = "simple";
      User = "argoWeb";
      Group = "argoWeb";
      Restart = "on-failure";
      RestartSec = "5s";
      NoNewPrivileges = true;
      PrivateTmp = true;
      PrivateDevices = true;
      ProtectHome = true;
      ProtectSystem = "full";
    };
  };
}
