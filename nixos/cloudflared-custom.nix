# cloudflared built from a Git mirror of the user's choice, for hosts that cannot reach GitHub (it has no IPv6).
{ lib, buildGoModule, fetchgit, url, rev, hash, vendorHash, version }:

buildGoModule {
  pname = "cloudflared";
  inherit version vendorHash; # null: the sources bring their own vendor folder, as cloudflared's do

  src = fetchgit { inherit url rev hash; };
  subPackages = [ "cmd/cloudflared" ];
  ldflags = [
    "-s"
    "-w"
    "-X main.Version=${version}"
    "-X github.com/cloudflare/cloudflared/cmd/cloudflared/updater.BuiltForPackageManager=nixpkgs"
  ];
  doCheck = false; # its tests need the network

  meta = {
    description = "Cloudflare Tunnel client, built from a mirror";
    homepage = url;
    license = lib.licenses.asl20;
    mainProgram = "cloudflared";
  };
}
