# What the real modules do in ./real.nix, imitated: options as NixOS declares them, and the text of units.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;

  unitOption = mkOption { type = types.attrsOf (types.oneOf [ types.bool types.int types.str (types.listOf (types.oneOf [ types.bool types.int types.str ])) ]); default = { }; };
  words = mkOption { type = types.listOf types.str; default = [ ]; };
  flag = default: mkOption { type = types.bool; inherit default; };
  text = default: mkOption { type = types.str; inherit default; };

  service = types.submodule ({ name, ... }: {
    options = {
      enable = flag true;
      description = text "";
      after = words;
      before = words;
      wants = words;
      requires = words;
      partOf = words;
      conflicts = words;
      wantedBy = words;
      requiredBy = words;
      aliases = words;
      unitConfig = unitOption;
      serviceConfig = unitOption;
      environment = mkOption { type = types.attrsOf (types.nullOr types.str); default = { }; };
      path = mkOption { type = types.listOf types.unspecified; default = [ ]; };
      script = mkOption { type = types.lines; default = ""; };
      preStart = mkOption { type = types.lines; default = ""; };
      restartIfChanged = flag true;
      stopIfChanged = flag true;
      reloadIfChanged = flag false;
      restartTriggers = mkOption { type = types.listOf types.unspecified; default = [ ]; };
      reloadTriggers = mkOption { type = types.listOf types.unspecified; default = [ ]; };
      startLimitIntervalSec = mkOption { type = types.nullOr types.int; default = null; };
      startLimitBurst = mkOption { type = types.nullOr types.int; default = null; };
    };
    # As `nixos/lib/systemd-lib.nix` has it for each service.
    config.path = lib.mkAfter [ pkgs.coreutils pkgs.findutils pkgs.gnugrep pkgs.gnused pkgs.systemd ];
  });

  value = v: if v == true then "true" else if v == false then "false" else toString v;
  line = key: v: lib.concatMapStrings (item: "${key}=${value item}\n") (if builtins.isList v then v else [ v ]);
  lines = keys: lib.concatStrings (lib.mapAttrsToList line keys);
  job = name: script: lib.getExe ((pkgs.writeShellScriptBin name "set -e\n\n${script}\n").overrideAttrs (_: { name = "unit-script-${name}"; }));
  triggers = kind: name: list: lib.optionalAttrs (list != [ ]) {
    "X-${kind}-Triggers" = "${pkgs.writeText "X-${kind}-Triggers-${name}" (toString (lib.flatten list))}";
  };

  unitText = name: unit:
    let
      folders = kind: lib.concatMapStringsSep ":" (package: "${package}/${kind}") unit.path;
      environment = config.systemd.globalEnvironment
        // lib.optionalAttrs (unit.path != [ ]) { PATH = "${folders "bin"}:${folders "sbin"}"; } // unit.environment;
    in
    "[Unit]\n" + lines (
      lib.optionalAttrs (unit.description != "") { Description = unit.description; }
      // lib.mapAttrs (_: toString) (lib.filterAttrs (_: list: list != [ ]) {
        After = unit.after; Before = unit.before; Wants = unit.wants; Requires = unit.requires; PartOf = unit.partOf; Conflicts = unit.conflicts;
      })
      // lib.optionalAttrs (unit.startLimitIntervalSec != null) { StartLimitIntervalSec = unit.startLimitIntervalSec; }
      // lib.optionalAttrs (unit.startLimitBurst != null) { StartLimitBurst = unit.startLimitBurst; }
      // triggers "Restart" name unit.restartTriggers
      // triggers "Reload" name unit.reloadTriggers
      // unit.unitConfig
    )
    + "\n[Service]\n"
    + lib.concatStrings (lib.mapAttrsToList (key: v: "Environment=${builtins.toJSON "${key}=${v}"}\n") (lib.filterAttrs (_: v: v != null) environment))
    + lines (
      lib.optionalAttrs unit.reloadIfChanged { X-ReloadIfChanged = true; }
      // lib.optionalAttrs (!unit.restartIfChanged) { X-RestartIfChanged = false; }
      // lib.optionalAttrs (!unit.stopIfChanged) { X-StopIfChanged = false; }
      // lib.optionalAttrs (unit.script != "") { ExecStart = "${job "${name}-start" unit.script} "; }
      // lib.optionalAttrs (unit.preStart != "") { ExecStartPre = job "${name}-pre-start" unit.preStart; }
      // unit.serviceConfig
    )
    + lib.optionalString (unit.wantedBy != [ ]) "\n[Install]\nWantedBy=${toString unit.wantedBy}\n";
in
{
  imports = [ ./caddy.nix ];

  options = {
    assertions = mkOption { type = types.listOf types.unspecified; default = [ ]; };
    warnings = words;
    nixpkgs.config = mkOption {
      default = { };
      # As nixpkgs' `nixos/modules/misc/nixpkgs.nix`: the values as they are, properties within them included; the first wins.
      type = lib.mkOptionType {
        name = "nixpkgs-config";
        check = value: builtins.isAttrs value || lib.isFunction value;
        merge = _: lib.foldr
          (def: rest: builtins.zipAttrsWith (_: values: if builtins.isList (lib.head values) then lib.concatLists values else lib.head values) [
            (if lib.isFunction def.value then def.value { inherit lib pkgs; } else def.value)
            rest
          ])
          { };
      };
    };
    # What a flake gives to `nixosSystem { pkgs = …; }`.
    nixpkgs.pkgs = mkOption { type = types.unspecified; default = null; };
    nixpkgs.hostPlatform = mkOption { type = types.nullOr types.str; default = null; };
    system.build.toplevel = mkOption { type = types.package; };
    environment.etc = mkOption {
      default = { };
      type = types.attrsOf (types.submodule {
        options = {
          text = mkOption { type = types.nullOr types.lines; default = null; };
          source = mkOption { type = types.nullOr types.unspecified; default = null; };
        };
      });
    };
    # The kernel is the machine's own: what is set here is written down and not applied.
    boot.kernel.sysctl = mkOption { type = types.attrsOf (types.int // { merge = _: lib.foldl' lib.max 0; }); default = { }; };
    systemd.globalEnvironment = mkOption { type = types.attrsOf (types.nullOr types.str); default = { }; };
    systemd.services = mkOption { type = types.attrsOf service; default = { }; };
    systemd.tmpfiles.rules = words;
    users.groups = mkOption {
      default = { };
      type = types.attrsOf (types.submodule {
        options = { gid = mkOption { type = types.nullOr types.int; default = null; }; members = words; };
      });
    };
    users.users = mkOption {
      default = { };
      type = types.attrsOf (types.submodule {
        options = {
          isSystemUser = flag false;
          isNormalUser = flag false;
          uid = mkOption { type = types.nullOr types.int; default = null; };
          group = text "";
          extraGroups = words;
          description = text "";
          home = text "/var/empty";
          createHome = flag false;
          homeMode = text "700";
          shell = mkOption { type = types.nullOr types.unspecified; default = null; };
        };
      });
    };
  };

  config = {
    assertions = lib.mapAttrsToList
      (name: user: {
        assertion = (user.isSystemUser || user.uid != null && user.uid < 1000) != user.isNormalUser;
        message = "Exactly one of users.users.${name}.isSystemUser and users.users.${name}.isNormalUser must be set.";
      })
      config.users.users
    ++ lib.mapAttrsToList
      (name: user: {
        assertion = user.group != "";
        message = "users.users.${name}.group is unset. This used to default to nogroup, but this is unsafe.";
      })
      config.users.users
    ++ [
      {
        assertion = config.nixpkgs.pkgs != null -> config.nixpkgs.config == { };
        message = "Your system configures nixpkgs with an externally created instance.\n`nixpkgs.config` options should be passed when creating the instance instead.";
      }
    ];

    systemd.services.systemd-tmpfiles-resetup = {
      description = "Re-setup tmpfiles on a system that is already running.";
      requiredBy = [ "sysinit-reactivation.target" ];
      partOf = [ "sysinit-reactivation.target" ];
      before = [ "sysinit-reactivation.target" ];
      unitConfig.DefaultDependencies = false;
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "systemd-tmpfiles --create --remove /etc/tmpfiles.d/00-nixos.conf";
      };
    };

    sandbox = {
      units = lib.mapAttrs' (name: unit: lib.nameValuePair "${name}.service" { inherit (unit) enable wantedBy requiredBy; text = unitText name unit; }) config.systemd.services;
      files = lib.mapAttrsToList (target: file: { inherit target; source = if file.source != null then file.source else pkgs.writeText "etc-file" file.text; }) config.environment.etc
        ++ [ { target = "tmpfiles.d/00-nixos.conf"; source = pkgs.writeText "00-nixos.conf" (lib.concatMapStrings (rule: "${rule}\n") config.systemd.tmpfiles.rules); } ];
      inherit (config.users) users groups;
    };
  };
}
