# The packages of the sandbox's server: real store paths around programs that the machine brings along.
{ lib, system, config ? { }, overlays ? [ ] }:
let
  platform = if lib ? systems then lib.systems.elaborate system else { inherit system; };

  # A derivation built by the machine's own shell, which stays: Nix kills a builder that closes its output before it
  # ends, as the last program would in the place of the shell.
  runCommand = name: attrs: script: derivation ({
    inherit name system;
    builder = "/bin/bash";
    args = [ "-ec" "${script}\n:" ];
    PATH = "/usr/bin:/bin";
    preferLocalBuild = true;
  } // removeAttrs attrs [ "passthru" ]) // attrs.passthru or { } // { passthru = attrs.passthru or { }; };

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

  # A script of a service; a module gives it another name.
  scriptNamed = file: text: name:
    runCommand name { inherit text; passAsFile = [ "text" ]; }
      "mkdir -p \"$out/bin\"; { echo '#!/bin/bash'; cat \"$textPath\"; } >\"$out/bin/${file}\"; chmod +x \"$out/bin/${file}\""
    // { meta.mainProgram = file; overrideAttrs = change: scriptNamed file text (change { }).name; };

  shell = pname: borrowed pname // { shellPath = "/bin/${pname}"; };

  tunnelClient = version: package "cloudflared" version ''
    mkdir -p "$out/bin"
    printf '#!/bin/sh\nexport SANDBOX_CLOUDFLARED_VERSION=%s\nexec /opt/sandbox/bin/cloudflared "$@"\n' ${version} >"$out/bin/cloudflared"
    chmod +x "$out/bin/cloudflared"
  '';

  pkgs = {
    inherit lib config runCommand writeText writeTextDir;
    runCommandLocal = runCommand;
    stdenv = { hostPlatform = platform; buildPlatform = platform; targetPlatform = platform; };
    writeShellScriptBin = name: text: scriptNamed name text name;
    writeTextFile = { name, text, destination }: runCommand name { inherit text; passAsFile = [ "text" ]; }
      "mkdir -p \"$out$(dirname ${destination})\"; cp \"$textPath\" \"$out${destination}\"";
    symlinkJoin = { name, paths, postBuild ? "" }: runCommand name { inherit paths; passAsFile = [ "paths" ]; }
      "mkdir -p \"$out\"; for path in $(cat \"$pathsPath\"); do ln -s \"$path\"/* \"$out/\"; done; ${postBuild}";
    formats.json = { }: { type = lib.types.attrs; generate = name: value: writeText name (builtins.toJSON value); };
    libxcrypt.enabledCryptSchemeIds = [ "y" "gy" "7" "2b" "5" "6" ];
    bashInteractive = shell "bash";
    fish = shell "fish";
    shadow = shell "nologin";
    xonsh = shell "xonsh";
    zsh = shell "zsh";
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
    inherit (lib.genAttrs [ "bash" "coreutils" "util-linux" "gawk" "gnused" "gnugrep" "findutils" "glibcLocales" "tzdata" ] borrowed)
      bash coreutils util-linux gawk gnused gnugrep findutils glibcLocales tzdata;
    systemd = package "systemd" "0" ''
      mkdir -p "$out/example"
      ln -s /usr/bin "$out/bin"
      ln -s /usr/lib/tmpfiles.d "$out/example/tmpfiles.d"
    '';

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
builtins.foldl' (before: overlay: let after = before // overlay after before; in after) pkgs overlays
