# The part of NixOS that the sandbox's server has: options as NixOS declares them, built into one system.
{ config, extended, lib, pkgs, ... }:
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

  # The targets that NixOS has in /etc and switch-to-configuration starts or restarts.
  targets = {
    "multi-user.target" = "[Unit]\nDescription=Multi-User System\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n";
    "sysinit-reactivation.target" = "[Unit]\nDescription=Reactivate sysinit units\n";
  };

  services = lib.filterAttrs (_: unit: unit.enable) config.systemd.services;

  etc = pkgs.runCommand "etc" { } ''
    mkdir -p "$out/systemd/system" "$out/tmpfiles.d"
    units=$out/systemd/system
    ${lib.concatMapStrings (name: ''
      ln -s ${pkgs.writeText name targets.${name}} "$units/${name}"
    '') (lib.attrNames targets)}
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

  # As `nixos/modules/system/activation/pre-switch-check.nix`.
  preSwitchCheck = pkgs.writeText "pre-switch-checks" (lib.concatStrings (lib.mapAttrsToList (name: text: ''
    if ! (
      ${text}
    ) >&2; then
      echo "Pre-switch check '${name}' failed" >&2
      exit 1
    fi
  '') config.system.preSwitchChecks));

  # A snippet that fails is said to have, and the others go on; then this is the running system all the same.
  activate = pkgs.writeText "activate" ''
    #!/bin/bash
    status=0
    /opt/sandbox/bin/activate "$1" || status=1
    ${lib.concatStrings (lib.mapAttrsToList (name: text: ''
      (
        set -e
        ${text}
      )
      code=$?
      if [ "$code" != 0 ]; then
        echo "Activation script snippet '${name}' failed ($code)" >&2
        status=1
      fi
    '') config.system.activationScripts)}
    ln -sfn "$1" /run/current-system.new && mv -T /run/current-system.new /run/current-system
    exit "$status"
  '';

  # As `nixos/modules/system/activation/switchable-system.nix` wraps it.
  switch = pkgs.writeText "switch-to-configuration" ''
    #!/bin/bash
    OUT=$(dirname "$(dirname "$(readlink -f "$0")")")
    export OUT TOPLEVEL=$OUT DISTRO_ID=nixos SYSTEMD=/usr
    export PRE_SWITCH_CHECK="/bin/bash ${preSwitchCheck}" INSTALL_BOOTLOADER=/opt/sandbox/bin/install-boot-loader
    exec /opt/sandbox/bin/switch-to-configuration "$@"
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
    networking.hostName = text "nixos";
    networking.firewall.enable = flag true;
    networking.firewall.allowedTCPPorts = mkOption { type = types.listOf types.port; default = [ ]; };
    time.timeZone = mkOption { type = types.nullOr types.str; default = null; };
    services.openssh.enable = flag false;
    system.stateVersion = text "26.05";
    system.activationScripts = mkOption { type = types.attrsOf types.str; default = { }; };
    system.preSwitchChecks = mkOption { type = types.attrsOf types.str; default = { }; };
    system.switch.inhibitors = mkOption { type = types.attrsOf types.str; default = { }; };
    specialisation = mkOption {
      default = { };
      type = types.attrsOf (types.submodule { options.configuration = mkOption { type = types.unspecified; default = { }; }; });
    };
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
    # The kernel is the machine's own: what is set here is written down and not applied.
    boot.kernel.sysctl = mkOption { type = types.attrsOf types.int; default = { }; };
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

    system.preSwitchChecks = {
      sandbox = "/bin/bash /opt/sandbox/bin/fault switch-check \"$2\"";
      switchInhibitors = ''
        [ "$2" = boot ] || [ ! -e /run/booted-system/switch-inhibitors ] || cmp -s /run/booted-system/switch-inhibitors "$1/switch-inhibitors" || {
          echo "There are changes to critical components of the system. If you really want to switch: nixos-rebuild boot, and a restart." >&2
          exit 1
        }
      '';
    };
    system.activationScripts.sandbox = "/bin/bash /opt/sandbox/bin/fault switch-activate";
    # A unit that fails when it is told to; each switch starts it.
    systemd.services.sandbox-fault = {
      description = "Fails where /etc/sandbox/fail/switch-units is";
      wantedBy = [ "multi-user.target" ];
      serviceConfig = {
        Type = "oneshot";
        ExecStart = "/bin/sh -c '! test -e /etc/sandbox/fail/switch-units'";
      };
    };
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
    environment.etc."systemd/system.conf".text = "[Manager]\n";

    system.build.toplevel = checked (pkgs.runCommand "nixos-system-${config.networking.hostName}-26.05.sandbox" { } ''
      mkdir -p "$out/bin"
      ln -s ${etc} "$out/etc"
      mkdir -p "$out/sw/bin"
      # Of what `environment.corePackages` brings, programs that units call there.
      for program in bash chown curl grep systemctl tail timeout; do ln -s "/usr/bin/$program" "$out/sw/bin/"; done
      for package in ${joined (map toString ([ pkgs.nixos-rebuild ] ++ config.environment.systemPackages))}; do
        for program in "$package"/bin/*; do ln -sf "$program" "$out/sw/bin/"; done
      done
      ln -s ${pkgs.writeText "users-groups.json" (builtins.toJSON { inherit (config.users) users groups; })} "$out/users-groups.json"
      printf '26.05.sandbox' >"$out/nixos-version"
      printf 'systemd 3' >"$out/init-interface-version"
      printf '%s' ${lib.escapeShellArg (builtins.toJSON config.system.switch.inhibitors)} >"$out/switch-inhibitors"
      cp ${activate} "$out/activate"
      cp ${switch} "$out/bin/switch-to-configuration"
      chmod +x "$out/activate" "$out/bin/switch-to-configuration"
      mkdir "$out/specialisation"
      ${lib.concatStrings (lib.mapAttrsToList (name: each: ''
        ln -s ${(extended { imports = [ each.configuration ]; specialisation = lib.mkForce { }; }).config.system.build.toplevel} "$out/specialisation/${name}"
      '') config.specialisation)}
    '');
  };
}
