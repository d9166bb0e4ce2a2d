# `services.caddy` as in nixpkgs: the upstream unit overridden, the configuration reloaded when it changes.
{ config, lib, pkgs, ... }:
let
  inherit (lib) concatStringsSep mkIf mkOption optionalString types;
  cfg = config.services.caddy;
  site = host: ''
    ${concatStringsSep " " ([ host.hostName ] ++ host.serverAliases)} {
    ${optionalString (host.listenAddresses != [ ]) "bind ${concatStringsSep " " host.listenAddresses}"}
    ${optionalString (host.logFormat != null) "log {\n${host.logFormat}\n}"}
    ${host.extraConfig}
    }
  '';
  json = pkgs.formats.json { };
  generated =
    if cfg.settings != { } then json.generate "caddy.json" cfg.settings
    else "${pkgs.writeTextDir "Caddyfile" ''
      {
      ${cfg.globalConfig}
      }
      ${cfg.extraConfig}
      ${lib.concatMapStringsSep "\n" site (builtins.attrValues cfg.virtualHosts)}
    ''}/Caddyfile";
  etcConfigFile = "caddy/caddy_config";
  configPath = "/etc/${etcConfigFile}";
  words = "--config ${configPath} ${optionalString (cfg.adapter != null) "--adapter ${cfg.adapter}"}";
  portOf = name: port: usual: optionalString (port != null && port != usual) "${name} ${toString port}";
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
    virtualHosts = mkOption {
      type = types.attrsOf (types.submodule ({ name, config, ... }: {
        options = {
          hostName = mkOption { type = types.str; default = name; };
          serverAliases = mkOption { type = types.listOf types.str; default = [ ]; };
          listenAddresses = mkOption { type = types.listOf types.str; default = [ ]; };
          logFormat = mkOption {
            type = types.nullOr types.lines;
            default = "output file ${cfg.logDir}/access-${builtins.replaceStrings [ "/" " " ] [ "_" "_" ] config.hostName}.log";
          };
          extraConfig = mkOption { type = types.lines; default = ""; };
        };
      }));
      default = { };
    };
    settings = mkOption { type = json.type; default = { }; };
    configFile = mkOption { type = types.path; default = generated; };
    adapter = mkOption {
      type = types.nullOr types.str;
      default = if cfg.configFile != generated || baseNameOf cfg.configFile == "Caddyfile" then "caddyfile" else null;
    };
    resume = mkOption { type = types.bool; default = false; };
    email = mkOption { type = types.nullOr types.str; default = null; };
    acmeCA = mkOption { type = types.nullOr types.str; default = null; };
    httpPort = mkOption { type = types.nullOr types.port; default = 80; };
    httpsPort = mkOption { type = types.nullOr types.port; default = 443; };
    environmentFile = mkOption { type = types.nullOr types.path; default = null; };
    enableReload = mkOption { type = types.bool; default = true; };
  };

  config = mkIf cfg.enable {
    services.caddy.globalConfig = ''
      ${optionalString (cfg.email != null) "email ${cfg.email}"}
      ${optionalString (cfg.acmeCA != null) "acme_ca ${cfg.acmeCA}"}
      ${portOf "http_port" cfg.httpPort 80}
      ${portOf "https_port" cfg.httpsPort 443}
      log {
      ${cfg.logFormat}
      }
    '';
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
        ExecStart = [ "" "${cfg.package}/bin/caddy run ${words} ${optionalString cfg.resume "--resume"}" ];
        ExecReload = [ "" ] ++ lib.optional cfg.enableReload "${cfg.package}/bin/caddy reload ${words} --force";
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
