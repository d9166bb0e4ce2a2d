# The part of NixOS that the sandbox's server has: options as NixOS declares them, built into one system.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkIf mkOption types;

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
  section = name: keys: "[${name}]\n" + lib.concatStrings (lib.mapAttrsToList line keys) + "\n";
  joined = lib.concatStringsSep " ";

  unitText = name: unit:
    section "Unit" (
      lib.optionalAttrs (unit.description != "") { Description = unit.description; }
      // lib.filterAttrs (_: list: list != [ ]) { After = unit.after; Before = unit.before; Wants = unit.wants; Requires = unit.requires; PartOf = unit.partOf; Conflicts = unit.conflicts; }
      // lib.optionalAttrs (unit.startLimitIntervalSec != null) { StartLimitIntervalSec = unit.startLimitIntervalSec; }
      // lib.optionalAttrs (unit.startLimitBurst != null) { StartLimitBurst = unit.startLimitBurst; }
      // lib.optionalAttrs (unit.restartTriggers != [ ]) { X-Restart-Triggers = joined (map toString unit.restartTriggers); }
      // lib.optionalAttrs (unit.reloadTriggers != [ ]) { X-Reload-Triggers = joined (map toString unit.reloadTriggers); }
      // unit.unitConfig
    )
    + section "Service" (
      {
        Environment = lib.mapAttrsToList (key: v: "\"${key}=${v}\"") (lib.filterAttrs (_: v: v != null) (
          config.systemd.globalEnvironment // lib.optionalAttrs (unit.path != [ ]) { PATH = lib.makeBinPath unit.path; } // unit.environment
        ));
      }
      // lib.optionalAttrs (unit.reloadIfChanged) { X-ReloadIfChanged = true; }
      // lib.optionalAttrs (!unit.restartIfChanged) { X-RestartIfChanged = false; }
      // lib.optionalAttrs (!unit.stopIfChanged) { X-StopIfChanged = false; }
      // lib.optionalAttrs (unit.script != "") { ExecStart = "${pkgs.writeShellScript "${name}-start" unit.script}"; }
      // lib.optionalAttrs (unit.preStart != "") { ExecStartPre = "${pkgs.writeShellScript "${name}-pre-start" unit.preStart}"; }
      // unit.serviceConfig
    );

  services = lib.filterAttrs (_: unit: unit.enable) config.systemd.services;

  etc = pkgs.runCommand "etc" { } ''
    mkdir -p "$out/systemd/system" "$out/tmpfiles.d"
    units=$out/systemd/system
    for package in ${joined (map toString config.systemd.packages)}; do
      for file in "$package"/lib/systemd/system/*.service; do ln -s "$file" "$units/"; done
    done
    ${lib.concatStrings (lib.mapAttrsToList (name: unit: ''
      if [ -e "$units/${name}.service" ]; then
        mkdir -p "$units/${name}.service.d"
        ln -s ${pkgs.writeText "overrides.conf" (unitText name unit)} "$units/${name}.service.d/overrides.conf"
      else
        ln -s ${pkgs.writeText "${name}.service" (unitText name unit)} "$units/${name}.service"
      fi
      for target in ${joined unit.wantedBy}; do mkdir -p "$units/$target.wants"; ln -s "../${name}.service" "$units/$target.wants/"; done
      for target in ${joined unit.requiredBy}; do mkdir -p "$units/$target.requires"; ln -s "../${name}.service" "$units/$target.requires/"; done
    '') services)}
    ln -s ${pkgs.writeText "00-nixos.conf" (lib.concatMapStrings (rule: "${rule}\n") config.systemd.tmpfiles.rules)} "$out/tmpfiles.d/00-nixos.conf"
    ${lib.concatStrings (lib.mapAttrsToList (name: file: ''
      mkdir -p "$(dirname "$out/${name}")"
      ln -s ${if file.source != null then file.source else pkgs.writeText "etc-file" file.text} "$out/${name}"
    '') config.environment.etc)}
  '';

  failed = map (assertion: assertion.message) (builtins.filter (assertion: !assertion.assertion) config.assertions);
  checked = system:
    if failed != [ ] then throw "\nFailed assertions:\n${lib.concatMapStrings (message: "- ${message}\n") failed}"
    else builtins.foldl' (result: warning: builtins.trace "warning: ${warning}" result) system config.warnings;
in
{
  imports = [ ./caddy.nix ];

  options = {
    assertions = mkOption { type = types.listOf types.unspecified; default = [ ]; };
    warnings = words;
    nixpkgs.config = mkOption {
      default = { };
      # As nixpkgs' `nixos/modules/misc/nixpkgs.nix`: the values as they are, properties within them included.
      type = lib.mkOptionType {
        name = "nixpkgs-config";
        check = value: builtins.isAttrs value || lib.isFunction value;
        merge = _: lib.foldr (def: lib.recursiveUpdate (if lib.isFunction def.value then def.value { inherit pkgs; } else def.value)) { };
      };
    };
    # What a flake gives to `nixosSystem { pkgs = …; }`.
    nixpkgs.pkgs = mkOption { type = types.unspecified; default = null; };
    nixpkgs.hostPlatform = mkOption { type = types.nullOr types.str; default = null; };
    networking.hostName = text "nixos";
    networking.firewall.enable = flag true;
    networking.firewall.allowedTCPPorts = mkOption { type = types.listOf types.port; default = [ ]; };
    time.timeZone = mkOption { type = types.nullOr types.str; default = null; };
    services.openssh.enable = flag false;
    system.stateVersion = text "26.05";
    system.build.toplevel = mkOption { type = types.package; };
    environment.systemPackages = mkOption { type = types.listOf types.package; default = [ ]; };
    environment.etc = mkOption {
      default = { };
      type = types.attrsOf (types.submodule {
        options = {
          text = mkOption { type = types.nullOr types.lines; default = null; };
          source = mkOption { type = types.nullOr types.unspecified; default = null; };
        };
      });
    };
    systemd.globalEnvironment = mkOption { type = types.attrsOf (types.nullOr types.str); default = { }; };
    systemd.packages = mkOption { type = types.listOf types.package; default = [ ]; };
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
        assertion = user.isSystemUser != user.isNormalUser;
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

    systemd.globalEnvironment = {
      LOCALE_ARCHIVE = "${pkgs.glibcLocales}/lib/locale/locale-archive";
      TZDIR = "${pkgs.tzdata}/share/zoneinfo";
    };

    system.build.toplevel = checked (pkgs.runCommand "nixos-system-${config.networking.hostName}-26.05.sandbox" { } ''
      mkdir -p "$out/bin"
      ln -s ${etc} "$out/etc"
      mkdir -p "$out/sw/bin"
      # Of what `environment.corePackages` brings, programs that units call there.
      for program in bash chown systemctl tail timeout; do ln -s "/usr/bin/$program" "$out/sw/bin/"; done
      for package in ${joined (map toString ([ pkgs.nixos-rebuild ] ++ config.environment.systemPackages))}; do
        for program in "$package"/bin/*; do ln -sf "$program" "$out/sw/bin/"; done
      done
      ln -s ${pkgs.writeText "users-groups.json" (builtins.toJSON { inherit (config.users) users groups; })} "$out/users-groups.json"
      printf '26.05.sandbox' >"$out/nixos-version"
      printf 'systemd 3' >"$out/init-interface-version"
      printf '#!/bin/sh\nexec /opt/sandbox/bin/switch-to-configuration %s "$@"\n' "$out" >"$out/bin/switch-to-configuration"
      chmod +x "$out/bin/switch-to-configuration"
    '');
  };
}
