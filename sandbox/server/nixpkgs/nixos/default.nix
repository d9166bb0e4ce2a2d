# Evaluates a NixOS configuration the sandbox's way; `config.system.build.toplevel` is the system. With SANDBOX_NIXPKGS_LIB nixpkgs' own `lib` does it.
{ configuration ? <nixos-config>, specialArgs ? { }, system ? builtins.currentSystem }:
let
  given = builtins.getEnv "SANDBOX_NIXPKGS_LIB";
  lib = if given == "" then import ../lib else import given;
  pkgs = import ../pkgs.nix { inherit lib system; };
in
lib.evalModules {
  modules = [ ./system.nix configuration ];
  specialArgs = {
    inherit pkgs;
    modulesPath = toString ./.;
    # For specialisations: the same configuration with a module more.
    extended = module: import ./. { configuration = { imports = [ configuration module ]; }; inherit specialArgs system; };
  } // specialArgs;
}
