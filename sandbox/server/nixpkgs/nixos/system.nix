# What becomes of a configuration on the sandbox's server: `sandbox` and the rest of it, built into one system.
{ config, extended, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;

  flag = default: mkOption { type = types.bool; inherit default; };
  text = default: mkOption { type = types.str; inherit default; };
  ports = mkOption { type = types.listOf types.port; default = [ ]; };
  joined = lib.concatStringsSep " ";

  # The targets that NixOS has in /etc and switch-to-configuration starts or restarts.
  targets = {
    "multi-user.target" = "[Unit]\nDescription=Multi-User System\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n";
    "sysinit-reactivation.target" = "[Unit]\nDescription=Reactivate sysinit units\n";
  };

  # As `generateUnits` of `nixos/lib/systemd-lib.nix`: what a package brings, or the machine's systemd, is overridden.
  etc = pkgs.runCommand "etc" { } ''
    mkdir -p "$out/systemd/system"
    units=$out/systemd/system
    ${lib.concatMapStrings (name: ''
      ln -s ${pkgs.writeText name targets.${name}} "$units/${name}"
    '') (lib.attrNames targets)}
    for package in ${joined (map toString config.systemd.packages)}; do
      for file in "$package"/lib/systemd/system/*.service; do ln -s "$file" "$units/"; done
    done
    ${lib.concatStrings (lib.mapAttrsToList (name: unit: if !unit.enable then "ln -sfn /dev/null \"$units/${name}\"\n" else ''
      upstream=/lib/systemd/system/${name}
      if [ -e "$units/${name}" ] || [[ $upstream == */systemd-* && -e $upstream ]]; then
        mkdir -p "$units/${name}.d"
        ln -s ${pkgs.writeText "overrides.conf" unit.text} "$units/${name}.d/overrides.conf"
      else
        ln -s ${pkgs.writeText name unit.text} "$units/${name}"
      fi
      for target in ${joined unit.wantedBy}; do mkdir -p "$units/$target.wants"; ln -s "../${name}" "$units/$target.wants/"; done
      for target in ${joined unit.requiredBy}; do mkdir -p "$units/$target.requires"; ln -s "../${name}" "$units/$target.requires/"; done
    '') config.sandbox.units)}
    # A source may be a pattern.
    ${lib.concatMapStrings (file: ''
      if [[ ${lib.escapeShellArg "${file.source}"} == *"*" ]]; then
        mkdir -p "$out/${file.target}"
        ln -s ${file.source} "$out/${file.target}/"
      else
        mkdir -p "$(dirname "$out/${file.target}")"
        ln -s ${file.source} "$out/${file.target}"
      fi
    '') config.sandbox.files}
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

  # Users and groups are made by `bin/activate`. A snippet that fails is said to have, and the others go on; then this is the running system all the same.
  activate = pkgs.writeText "activate" ''
    #!/bin/bash
    status=0
    /opt/sandbox/bin/activate "$1" || status=1
    ${lib.concatStrings (lib.mapAttrsToList (name: snippet: ''
      (
        set -e
        ${if builtins.isString snippet then snippet else snippet.text}
      )
      code=$?
      if [ "$code" != 0 ]; then
        echo "Activation script snippet '${name}' failed ($code)" >&2
        status=1
      fi
    '') (removeAttrs config.system.activationScripts [ "users" "groups" "hashes" ]))}
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
  options = {
    sandbox = {
      # `text` of each unit's file, and what wants and requires it.
      units = mkOption { type = types.attrsOf types.unspecified; };
      # `target` below /etc and `source` of each file.
      files = mkOption { type = types.listOf types.unspecified; };
      users = mkOption { type = types.attrsOf types.unspecified; };
      groups = mkOption { type = types.attrsOf types.unspecified; };
    };
    networking.hostName = text "nixos";
    networking.firewall.enable = flag true;
    networking.firewall.allowedTCPPorts = ports;
    networking.firewall.allowedUDPPorts = ports;
    time.timeZone = mkOption { type = types.nullOr types.str; default = null; };
    services.openssh.enable = flag false;
    system.stateVersion = text "26.05";
    system.activationScripts = mkOption { type = types.attrsOf (types.either types.str types.attrs); default = { }; };
    system.preSwitchChecks = mkOption { type = types.attrsOf types.str; default = { }; };
    system.switch.inhibitors = mkOption { type = types.attrsOf types.str; default = { }; };
    specialisation = mkOption {
      default = { };
      type = types.attrsOf (types.submodule { options.configuration = mkOption { type = types.unspecified; default = { }; }; });
    };
    environment.systemPackages = mkOption { type = types.listOf types.package; default = [ ]; };
    systemd.packages = mkOption { type = types.listOf types.package; default = [ ]; };
  };

  config = {
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
      ln -s ${pkgs.writeText "users-groups.json" (builtins.toJSON { inherit (config.sandbox) users groups; })} "$out/users-groups.json"
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
