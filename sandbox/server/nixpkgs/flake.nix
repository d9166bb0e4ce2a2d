{
  description = "The sandbox's nixpkgs";
  outputs = { self }: {
    lib = import ./lib // {
      nixosSystem = { system, modules, specialArgs ? { }, ... }:
        import ./nixos { configuration = { imports = modules; }; inherit specialArgs system; };
    };
  };
}
