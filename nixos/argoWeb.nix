# The NixOS module `services.argoWeb`: a locally managed Cloudflare Tunnel under systemd, beside Caddy.
#
# argoweb pushes this file together with ./argoWeb.json, which holds the values of one stack.
# They are defaults: whatever the server's own configuration sets wins.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkDefault mkIf mkMerge mkOption types;

  cfg = config.services.argoWeb;
  user = "argoWeb";
  credentials = "${cfg.dataDir}/${cfg.tunnelId}.json";

  pushed = builtins.fromJSON (builtins.readFile cfg.values);
  customPackage = pkgs.callPackage ./cloudflared-custom.nix {
    inherit (pushed.package) url rev hash vendorHash version;
  };

  inputs = [ cfg.values ./argoWeb.nix ] ++ lib.optional (pushed.package != null) ./cloudflared-custom.nix;

  # Programs that every NixOS has, by a path that stays the same when nixpkgs changes: the unit's text must change, and
  # so restart the tunnel, only for a change of its own.
  now = "/run/current-system/sw/bin";

  # After its grace period cloudflared closes its connections, which takes a moment; within three seconds of its start
  # it first lets the other connections come. An open WebSocket over HTTP/2 keeps it for ever.
  endsWithin = cfg.gracePeriod + 5;

  two = cfg.secondMetrics != null;
  second = "argoWeb-2";

  servesCaddy = cfg.caddy.manage && config.services.caddy.enable;
  bridge = "argoWeb-caddy";
  bridgeFile = pkgs.writeText "argoWeb-caddy" ''
    {
    ${config.services.caddy.globalConfig}
    admin off
    persist_config off
    }
    import ${cfg.caddy.import}
  '';

  # Asks it to end and waits, until it has nothing in progress and gets nothing new: over QUIC it would wait all of its
  # grace period, for nobody. What is left of it then gets systemd's own signal, the second one, which ends it at once.
  stop = metrics: lib.concatStrings [
    "-${now}/bash -c '"
    "test -n \"$$MAINPID\" && kill \"$$MAINPID\" || exit 0; "
    "while ((SECONDS < ${toString endsWithin})); do "
    "${now}/timeout 0.5 ${now}/tail --pid \"$$MAINPID\" --sleep-interval 0.05 --follow /dev/null && exit 0; "
    "seen=$$(${now}/curl -s --globoff --max-time 1 --noproxy \"*\" \"http://${metrics}/metrics\" | "
    "${now}/grep -E \"^cloudflared_tunnel_(concurrent_requests_per_tunnel|total_requests) \"); "
    "case $$seen in *\"per_tunnel 0\"*) test \"$$seen\" = \"$$before\" && exit 0 ;; esac; "
    "before=$$seen; "
    "done'"
  ];

  # One cloudflared, which serves its metrics at an address; `flags` are those of its command `tunnel`.
  instance = metrics: flags: {
    wants = [ "network-online.target" ];
    wantedBy = [ "multi-user.target" ];
    startLimitIntervalSec = 0; # a long outage must not end in a unit that is given up
    stopIfChanged = false; # else it would be down for as long as a switch takes

    # NixOS gives every unit a PATH, a time zone and a locale from the store, which change with nixpkgs.
    path = lib.mkForce [ ];
    environment = {
      LOCALE_ARCHIVE = mkDefault null;
      TZDIR = mkDefault null;
    };

    serviceConfig = {
      # cloudflared reports READY=1 with its first connection to Cloudflare.
      Type = "notify";
      # Credentials are pushed by root before the user exists. tmpfiles would refuse to give them away,
      # since the folder is not root's ("unsafe path transition").
      ExecStartPre = "+${now}/chown --no-dereference ${user}:${user} ${credentials}";
      ExecStart = "${cfg.package}/bin/cloudflared --config ${cfg.config} --no-autoupdate tunnel ${flags}run";
      ExecStop = stop metrics;
      TimeoutStopSec = endsWithin + 5;
      User = user;
      Group = user;
      Restart = "on-failure";
      RestartSec = "5s";
      UMask = "0077";

      LimitNPROC = 512;
      LimitNOFILE = 1048576;

      ReadWritePaths = [ cfg.dataDir ];
      ProtectSystem = "strict";
      ProtectHome = true;
      PrivateTmp = true;
      PrivateDevices = true;
      PrivateUsers = true;
      ProtectClock = true;
      ProtectControlGroups = true;
      ProtectHostname = true;
      ProtectKernelLogs = true;
      ProtectKernelModules = true;
      ProtectKernelTunables = true;
      ProtectProc = "invisible";
      ProcSubset = "pid";

      NoNewPrivileges = true;
      CapabilityBoundingSet = "";
      AmbientCapabilities = "";
      LockPersonality = true;
      MemoryDenyWriteExecute = true;
      RemoveIPC = true;
      RestrictNamespaces = true;
      RestrictRealtime = true;
      RestrictSUIDSGID = true;
      RestrictAddressFamilies = [ "AF_INET" "AF_INET6" "AF_UNIX" "AF_NETLINK" ];
      SystemCallArchitectures = "native";
      SystemCallFilter = [ "@system-service" "~@privileged" "~@resources" ];
      SystemCallErrorNumber = "EPERM"; # Go's runtime tries to raise its file limit and goes on when refused
    };
  };
in
{
  options.services.argoWeb = {
    enable = lib.mkEnableOption "the Cloudflare Tunnel argoWeb";

    values = mkOption {
      type = types.path;
      default = ./argoWeb.json;
      description = "The pushed values of the stack, for those who import this module from elsewhere.";
    };

    config = mkOption {
      type = types.str;
      description = "cloudflared's configuration file: a path outside the Nix store, so that a changed route needs no rebuild.";
    };

    dataDir = mkOption {
      type = types.str;
      description = "Home of the user argoWeb; holds the tunnel's credentials and nothing else.";
    };

    package = mkOption {
      type = types.package;
      default = pkgs.cloudflared;
      defaultText = lib.literalExpression "pkgs.cloudflared";
      description = "The cloudflared to run.";
    };

    tunnelId = mkOption {
      type = types.str;
      description = "UUID of the tunnel; its credentials are `<dataDir>/<tunnelId>.json`.";
    };

    proxyGroup = mkOption {
      type = types.str;
      description = "Group of the reverse proxy that the user argoWeb joins, for sockets and files the proxy shares.";
    };

    metrics = mkOption {
      type = types.str;
      description = "Where cloudflared serves /metrics and /ready: `metrics` of its configuration. Its stop asks there whether it has anything in progress.";
    };

    secondMetrics = mkOption {
      type = types.nullOr types.str;
      description = "Address of /metrics and /ready of a second cloudflared, argoWeb-2.service; null for one only. The two restart one after the other.";
    };

    gracePeriod = mkOption {
      type = types.int;
      description = "Seconds of cloudflared's `grace-period`: so long running requests may take when it stops. What goes on 5 seconds after that, as a WebSocket may, is cut.";
    };

    allowUnfree = mkOption {
      type = types.bool;
      description = "Whether to set `nixpkgs.config.allowUnfree`, for a package that needs it.";
    };

    caddy = {
      manage = mkOption {
        type = types.bool;
        description = "Whether to enable `services.caddy` and import the pushed sites into it. Set false for a Caddy unit of your own.";
      };
      user = mkOption {
        type = types.nullOr types.str;
        description = "User that Caddy runs as; null for nixpkgs' choice.";
      };
      globalConfig = mkOption {
        type = types.lines;
        description = "Lines for Caddy's global options block.";
      };
      import = mkOption {
        type = types.str;
        description = "What Caddy imports. A pattern, because Caddy takes one without a match in silence, but stops at a missing file.";
      };
    };
  };

  config = mkMerge [
    {
      services.argoWeb = {
        enable = mkDefault pushed.enable;
        config = mkDefault pushed.config;
        dataDir = mkDefault pushed.dataDir;
        tunnelId = mkDefault pushed.tunnelId;
        proxyGroup = mkDefault pushed.proxyGroup;
        metrics = mkDefault pushed.metrics;
        secondMetrics = mkDefault pushed.secondMetrics;
        gracePeriod = mkDefault pushed.gracePeriod;
        allowUnfree = mkDefault pushed.allowUnfree;
        package = mkIf (pushed.package != null) (mkDefault customPackage);
        caddy = {
          manage = mkDefault pushed.caddy.manage;
          user = mkDefault pushed.caddy.user;
          globalConfig = mkDefault pushed.caddy.globalConfig;
          import = mkDefault pushed.caddy.import;
        };
      };
    }

    (mkIf cfg.enable {
      assertions = [
        {
          assertion = !lib.hasPrefix builtins.storeDir cfg.dataDir;
          message = "services.argoWeb.dataDir is ${cfg.dataDir}: the Nix store is readable by everybody and must not hold credentials; use a path such as /var/lib/argoWeb.";
        }
      ];

      # NixOS merges the values of this option as they are: a mkIf within it would be taken for one.
      nixpkgs.config = mkIf cfg.allowUnfree { allowUnfree = true; };

      users.users.${user} = {
        isSystemUser = true;
        group = user;
        home = cfg.dataDir;
        createHome = true;
        extraGroups = [ cfg.proxyGroup ];
      };
      users.groups.${user} = { };
      users.groups.${cfg.proxyGroup} = { };

      systemd.tmpfiles.rules = [ "d ${cfg.dataDir} 0700 ${user} ${user} -" ];

      # Bytes that QUIC wants for its sockets (quic-go's wiki, "UDP Buffer Sizes"); of several values NixOS takes the highest.
      boot.kernel.sysctl = lib.genAttrs [ "net.core.rmem_max" "net.core.wmem_max" ] (_: mkDefault 7500000);

      services.caddy = mkIf cfg.caddy.manage {
        enable = mkDefault true;
        user = mkIf (cfg.caddy.user != null) (mkDefault cfg.caddy.user);
        globalConfig = lib.mkBefore cfg.caddy.globalConfig; # of an option that is there twice Caddy takes the last one
        extraConfig = "import ${cfg.caddy.import}";
      };
      # As above: its text has NixOS's paths of the store, so each update of nixpkgs restarts it.
      systemd.services.caddy = mkIf servesCaddy {
        stopIfChanged = mkDefault false;
        serviceConfig = {
          ExecStop = [ "-+${now}/bash -c '${now}/systemctl list-jobs --no-legend caddy.service | ${now}/grep -q \" restart \" && ${now}/systemctl start ${bridge}'" ];
          ExecStartPost = [ "-+${now}/systemctl stop --no-block ${bridge}" ];
        };
      };

      # Serves the sites of the stack while Caddy restarts: it listens beside the one that stops and the one that starts.
      systemd.services.${bridge} = mkIf servesCaddy {
        description = "The sites of argoWeb while Caddy restarts";
        restartIfChanged = false;
        stopIfChanged = false;
        environment = removeAttrs config.systemd.services.caddy.environment [ "PATH" ];
        unitConfig = {
          CollectMode = "inactive-or-failed";
          JoinsNamespaceOf = "caddy.service";
        };
        # What Caddy has from its own distribution's unit is no part of its configuration here; its folder in /run would go with this unit.
        serviceConfig = removeAttrs config.systemd.services.caddy.serviceConfig [
          "ExecReload" "ExecStartPost" "ExecStop" "Restart" "RestartPreventExitStatus" "RestartSec" "RuntimeDirectory"
        ] // {
          Type = "notify";
          ExecStart = "${config.services.caddy.package}/bin/caddy run --config ${bridgeFile} --adapter caddyfile";
          RuntimeMaxSec = 60; # where Caddy does not come back
          TimeoutStartSec = 5;
          TimeoutStopSec = 5;
          LimitNOFILE = 1048576;
          AmbientCapabilities = "CAP_NET_BIND_SERVICE";
          PrivateTmp = true;
          ProtectSystem = "full";
        };
      };

      systemd.services.argoWeb = mkMerge [
        (instance cfg.metrics "")
        {
          description = "Cloudflare Tunnel argoWeb";
          after = [ "network-online.target" ];
        }
        (mkIf two {
          # It is connected now, whatever restarted it: the other one follows, so one of them always serves.
          serviceConfig.ExecStartPost = "-+${now}/systemctl try-restart --no-block ${second}.service";
        })
      ];

      systemd.services.${second} = mkIf two (mkMerge [
        (instance cfg.secondMetrics "--metrics ${cfg.secondMetrics} ")
        {
          description = "Cloudflare Tunnel argoWeb, second instance";
          after = [ "network-online.target" "argoWeb.service" ];
          # NixOS would stop both at once; argoWeb.service restarts it in its turn.
          restartIfChanged = false;
        }
      ]);

      # A deployment cut short by a crash or a reboot left its journal; the old files come back before anything starts.
      systemd.services.argoWeb-recover = {
        description = "Undo an unfinished argoweb deployment";
        wantedBy = [ "multi-user.target" ];
        before = [ "argoWeb.service" "${second}.service" "${pushed.caddy.unit}.service" ];
        unitConfig = {
          ConditionPathExists = "/var/lib/argoweb-deploy/transaction/server.sh";
          # By these a deployment knows whether a system that somebody else has built has its files.
          X-Inputs = lib.concatMapStringsSep " " (builtins.hashFile "sha256") inputs;
        };
        serviceConfig = {
          Type = "oneshot";
          ExecStart = "${pkgs.bash}/bin/bash /var/lib/argoweb-deploy/transaction/server.sh recover";
        };
        path = [ pkgs.bash pkgs.coreutils pkgs.util-linux pkgs.gawk pkgs.gnused ];
        restartIfChanged = false;
        stopIfChanged = false;
      };
    })
  ];
}
