# Evaluates a NixOS configuration the sandbox's way; `config.system.build.toplevel` is the system.
#
# `lib` and the modules that say what units, files and users a configuration means are nixpkgs' own where that is at
# ../real, or where SANDBOX_NIXPKGS names it; else both are imitated.
{ configuration ? <nixos-config>, specialArgs ? { }, system ? builtins.currentSystem }:
let
  given = builtins.getEnv "SANDBOX_NIXPKGS";
  nixpkgs = if builtins.pathExists ../real then ../real else if given != "" then /. + given else null;
  imitated = nixpkgs == null;
  lib = import (if imitated then ../lib else nixpkgs + "/lib");
in
lib.evalModules {
  modules = [ ./system.nix (if imitated then ./imitated.nix else ./real.nix) configuration ];
  specialArgs = {
    modulesPath = toString (if imitated then ./. else nixpkgs + "/nixos/modules");
    # For specialisations: the same configuration with a module more.
    extended = module: import ./. { configuration = { imports = [ configuration module ]; }; inherit specialArgs system; };
  } // (if imitated then { pkgs = import ../pkgs.nix { inherit lib system; }; } else { inherit nixpkgs system; }) // specialArgs;
}
