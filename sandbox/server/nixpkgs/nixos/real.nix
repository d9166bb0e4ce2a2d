# nixpkgs' own modules, with the sandbox's packages, and what those modules ask of others that are not here.
{ config, lib, nixpkgs, options, pkgs, system, utils, ... }:
let
  inherit (lib) mkOption types;
  inherit (utils.systemdUtils.lib) serviceToUnit targetToUnit;

  anything = default: mkOption { type = types.unspecified; inherit default; };
  named = toUnit: units: lib.mapAttrs' (_: unit: lib.nameValuePair unit.name (toUnit unit)) units;
in
{
  imports = map (module: nixpkgs + "/nixos/modules/${module}") [
    "config/sysctl.nix"
    "config/users-groups.nix"
    "misc/ids.nix"
    "misc/nixpkgs.nix"
    "services/networking/cloudflared.nix"
    "services/web-servers/caddy"
    "system/boot/systemd/tmpfiles.nix"
    "system/etc/etc.nix"
  ];

  options = {
    # As `nixos/modules/system/boot/systemd.nix` declares them.
    systemd.package = mkOption { type = types.package; default = pkgs.systemd; };
    systemd.enableStrictShellChecks = mkOption { type = types.bool; default = false; };
    systemd.globalEnvironment = mkOption { type = types.attrsOf (types.nullOr (types.oneOf [ types.str types.path types.package ])); default = { }; };
    systemd.services = mkOption { type = utils.systemdUtils.types.services; default = { }; };
    systemd.targets = mkOption { type = utils.systemdUtils.types.targets; default = { }; };
    systemd.units = mkOption { type = utils.systemdUtils.types.units; default = { }; };
    systemd.additionalUpstreamSystemUnits = anything [ ];
    systemd.additionalUpstreamUserUnits = anything [ ];
    systemd.sysusers.enable = anything false;

    boot.initrd.systemd.enable = anything false;
    boot.initrd.systemd.storePaths = anything [ ];
    boot.initrd.systemd.contents = anything { };
    boot.initrd.systemd.services = anything { };
    boot.initrd.systemd.additionalUpstreamUnits = anything [ ];
    # The kernel is the machine's own: what is set of it is written down and not applied.
    boot.kernelPackages = anything { kernel.configfile = pkgs.writeText "config" "CONFIG_ARCH_MMAP_RND_BITS_MAX=32\nCONFIG_ARCH_MMAP_RND_COMPAT_BITS_MAX=16\n"; };
    environment.profiles = anything [ ];
    programs = lib.genAttrs [ "fish" "xonsh" "zsh" ] (_: { enable = anything false; });
    security.acme.certs = anything { };
    services.userborn.enable = anything false;
    users.defaultUserShell = anything "/run/current-system/sw/bin/bash";
  };

  config = {
    _module.args = {
      utils = import (nixpkgs + "/nixos/lib/utils.nix") { inherit lib config pkgs; };
      pkgs = lib.mkIf (!options.nixpkgs.pkgs.isDefined) (lib.mkForce (import ../pkgs.nix {
        inherit lib system;
        inherit (config.nixpkgs) config overlays;
      }));
    };
    nixpkgs.hostPlatform = lib.mkDefault system;
    users.manageLingering = false; # the server has no logind of its own

    systemd.units = named serviceToUnit config.systemd.services // named targetToUnit config.systemd.targets;

    sandbox = {
      units = lib.mapAttrs (_: unit: { inherit (unit) enable requiredBy text wantedBy; }) config.systemd.units;
      files = map (file: { inherit (file) source target; }) (lib.filter (file: file.enable) (lib.attrValues config.environment.etc));
      users = lib.mapAttrs (_: user: { inherit (user) createHome extraGroups group home homeMode isSystemUser uid; })
        (lib.filterAttrs (_: user: user.enable) config.users.users);
      groups = lib.mapAttrs (_: group: { inherit (group) gid members; }) config.users.groups;
    };
  };
}
