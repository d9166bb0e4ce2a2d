{
  description = "A Cloudflare Tunnel to NixOS web servers, with no inbound port open";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];

      # The module of this flake with the values that argoweb has pushed into a folder of the server. They lie outside of
      # any flake, so they are read with --impure only, without which they would count as absent, and the tunnel would go.
      moduleFor = folder: { lib, ... }:
        let values = "${folder}/argoWeb.json"; in
        if !(builtins ? currentSystem)
        then throw "argoweb's values in ${values} are read with --impure only"
        else {
          imports = lib.optional (builtins.pathExists values) {
            imports = [ ./nixos/argoWeb.nix ];
            services.argoWeb.values = values;
          };
        };
    in
    {
      lib = { inherit moduleFor; };
      nixosModules.default = moduleFor "/etc/caddy";

      # Pulumi and its host for Python from nixpkgs; the packages and plugins in the versions that requirements.txt asks for.
      devShells = nixpkgs.lib.genAttrs systems (system:
        let pkgs = nixpkgs.legacyPackages.${system}; in
        {
          default = pkgs.mkShell {
            packages = [ pkgs.pulumi pkgs.pulumiPackages.pulumi-python pkgs.python3 pkgs.openssh ];
            LD_LIBRARY_PATH = pkgs.lib.makeLibraryPath [ pkgs.stdenv.cc.cc ]; # grpc's libstdc++.so.6
            shellHook = "test -d .venv || pulumi install";
          };
        });
    };
}
