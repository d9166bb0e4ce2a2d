{
  description = "The sandbox's nixpkgs";
  outputs = { self }: {
    lib = import ./lib // {
      nixosSystem = { modules, specialArgs ? { }, ... }:
        import ./nixos { configuration = { imports = modules; }; inherit specialArgs; };
    };
  };
}
