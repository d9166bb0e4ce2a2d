# The packages of the sandbox's server: real store paths around programs that the machine brings along.
{ lib, system, config ? { } }:
let
  # A derivation built by the machine's own shell.
  runCommand = name: attrs: script: derivation ({
    inherit name system;
    builder = "/bin/sh";
    args = [ "-euc" script ];
    PATH = "/usr/bin:/bin";
    preferLocalBuild = true;
  } // attrs);

  writeText = name: text: runCommand name { inherit text; passAsFile = [ "text" ]; } "cp \"$textPath\" \"$out\"";
  writeTextDir = path: text: runCommand (baseNameOf path) { inherit text; passAsFile = [ "text" ]; }
    "mkdir -p \"$out/$(dirname ${path})\"; cp \"$textPath\" \"$out/${path}\"";

  package = pname: version: script:
    let built = runCommand "${pname}-${version}" { } script; in
    built // { inherit pname version; meta = { mainProgram = pname; }; };

  # Programs of the machine under the name of their package.
  borrowed = pname: package pname "0" ''
    mkdir "$out"
    ln -s /usr/bin "$out/bin"
  '';

  tunnelClient = version: package "cloudflared" version ''
    mkdir -p "$out/bin"
    printf '#!/bin/sh\nexport SANDBOX_CLOUDFLARED_VERSION=%s\nexec /opt/sandbox/bin/cloudflared "$@"\n' ${version} >"$out/bin/cloudflared"
    chmod +x "$out/bin/cloudflared"
  '';

  pkgs = {
    inherit lib config runCommand writeText writeTextDir;
    stdenv.hostPlatform.system = system;
    writeShellScript = name: text: runCommand name { inherit text; passAsFile = [ "text" ]; }
      "{ echo '#!/bin/sh'; cat \"$textPath\"; } >\"$out\"; chmod +x \"$out\"";

    cloudflared = tunnelClient "2026.8.2";
    nixos-rebuild = package "nixos-rebuild" "26.05" ''
      mkdir -p "$out/bin"
      ln -s /opt/sandbox/bin/nixos-rebuild "$out/bin/nixos-rebuild"
    '';
    caddy = package "caddy" "2" ''
      mkdir -p "$out/bin" "$out/lib/systemd/system"
      ln -s /opt/sandbox/bin/caddy "$out/bin/caddy"
      cp ${./caddy.service} "$out/lib/systemd/system/caddy.service"
    '';
    inherit (lib.genAttrs [ "bash" "coreutils" "util-linux" "gawk" "gnused" "gnugrep" "findutils" "glibcLocales" "systemd" "tzdata" ] borrowed)
      bash coreutils util-linux gawk gnused gnugrep findutils glibcLocales systemd tzdata;

    callPackage = file: given:
      let f = if builtins.isFunction file then file else import file; in
      f (builtins.intersectAttrs (builtins.functionArgs f) pkgs // given);

    # Neither fetches: the sandbox has no Git mirror. What nixpkgs demands of the arguments is demanded here.
    fetchgit = { url, rev, hash ? null, sha256 ? null }:
      if hash == null && sha256 == null then throw "fetchgit requires a hash"
      else { inherit url rev; outputHash = if hash != null then hash else sha256; };
    buildGoModule = { pname, version, src, vendorHash, meta ? { }, ... }:
      tunnelClient version // { inherit pname version meta; };
  };
in
pkgs
