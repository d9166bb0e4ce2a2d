# `services.caddy` as in nixpkgs: the upstream unit overridden, the configuration reloaded when it changes.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkIf mkOption types;
  cfg = config.services.caddy;
  generated = "${pkgs.writeTextDir "Caddyfile" ''
    {
    ${cfg.globalConfig}
    }
    ${cfg.extraConfig}
  ''}/Caddyfile";
  etcConfigFile = "caddy/caddy_config";
  configPath = "/etc/${etcConfigFile}";
in
{
  options.services.caddy = {
    enable = lib.mkEnableOption "Caddy web server";
    package = lib.mkPackageOption pkgs "caddy" { };
    user = mkOption { type = types.str; default = "caddy"; };
    group = mkOption { type = types.str; default = "caddy"; };
    dataDir = mkOption { type = types.path; default = "/var/lib/caddy"; };
    logDir = mkOption { type = types.path; default = "/var/log/caddy"; };
    globalConfig = mkOption { type = types.lines; default = ""; };
    logFormat = mkOption { type = types.lines; default = "level ERROR"; };
    extraConfig = mkOption { type = types.lines; default = ""; };
    configFile = mkOption { type = types.path; default = generated; };
    environmentFile = mkOption { type = types.nullOr types.path; default = null; };
    enableReload = mkOption { type = types.bool; default = true; };
  };

  config = mkIf cfg.enable {
    services.caddy.globalConfig = "log {\n${cfg.logFormat}\n}";
    environment.etc.${etcConfigFile}.source = cfg.configFile;
    boot.kernel.sysctl = lib.genAttrs [ "net.core.rmem_max" "net.core.wmem_max" ] (_: lib.mkDefault 2500000);
    systemd.packages = [ cfg.package ];
    systemd.services.caddy = {
      wantedBy = [ "multi-user.target" ];
      startLimitIntervalSec = 14400;
      startLimitBurst = 10;
      reloadTriggers = lib.optional cfg.enableReload cfg.configFile;
      restartTriggers = lib.optional (!cfg.enableReload) cfg.configFile;
      serviceConfig = {
        ExecStart = [ "" "${cfg.package}/bin/caddy run --config ${configPath} --adapter caddyfile " ];
        ExecReload = [ "" ] ++ lib.optional cfg.enableReload "${cfg.package}/bin/caddy reload --config ${configPath} --adapter caddyfile --force";
        User = cfg.user;
        Group = cfg.group;
        ReadWritePaths = [ cfg.dataDir ];
        StateDirectory = mkIf (cfg.dataDir == "/var/lib/caddy") [ "caddy" ];
        LogsDirectory = mkIf (cfg.logDir == "/var/log/caddy") [ "caddy" ];
        EnvironmentFile = lib.optional (cfg.environmentFile != null) cfg.environmentFile;
        Restart = "on-failure";
        RestartPreventExitStatus = 1;
        RestartSec = "5s";
        NoNewPrivileges = true;
        PrivateDevices = true;
        ProtectHome = true;
      };
    };
    users.users = lib.optionalAttrs (cfg.user == "caddy") {
      caddy = { uid = 239; group = cfg.group; home = cfg.dataDir; };
    };
    users.groups = lib.optionalAttrs (cfg.group == "caddy") { caddy.gid = 239; };
  };
}
