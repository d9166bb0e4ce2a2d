# The part of nixpkgs' `lib` that NixOS modules commonly use, with its semantics. What it does not know fails by name.
let
  inherit (builtins) attrNames attrValues concatLists concatMap concatStringsSep elem filter foldl' functionArgs hasAttr head intersectAttrs isAttrs isBool isFunction isInt isList isPath isString length listToAttrs map mapAttrs match replaceStrings sort stringLength substring tail toJSON toString typeOf;

  isType = name: value: isAttrs value && value._type or null == name;
  showOption = concatStringsSep ".";
  defaultPriority = 100;

  strings = rec {
    inherit concatStringsSep replaceStrings stringLength substring;
    concatStrings = concatStringsSep "";
    concatMapStringsSep = sep: f: list: concatStringsSep sep (map f list);
    concatMapStrings = f: list: concatStrings (map f list);
    hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
    hasSuffix = suffix: text:
      stringLength text >= stringLength suffix
      && substring (stringLength text - stringLength suffix) (stringLength suffix) text == suffix;
    removePrefix = prefix: text: if hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
    removeSuffix = suffix: text: if hasSuffix suffix text then substring 0 (stringLength text - stringLength suffix) text else text;
    optionalString = cond: text: if cond then text else "";
    splitString = sep: text: filter isString (builtins.split (replaceStrings [ "." "\\" "+" "*" "?" "[" "]" "(" ")" "^" "$" "|" "{" "}" ] [ "\\." "\\\\" "\\+" "\\*" "\\?" "\\[" "\\]" "\\(" "\\)" "\\^" "\\$" "\\|" "\\{" "\\}" ] sep) text);
    escapeShellArg = text: "'${replaceStrings [ "'" ] [ "'\\''" ] (toString text)}'";
    makeBinPath = concatMapStringsSep ":" (package: "${package}/bin");
    versionAtLeast = a: b: builtins.compareVersions a b >= 0;
  };

  lists = rec {
    inherit concatLists concatMap elem filter head length map sort tail;
    optional = cond: value: if cond then [ value ] else [ ];
    optionals = cond: list: if cond then list else [ ];
    reverseList = foldl' (done: item: [ item ] ++ done) [ ];
    toList = value: if isList value then value else [ value ];
    unique = foldl' (done: item: if elem item done then done else done ++ [ item ]) [ ];
    flatten = value: if isList value then concatMap flatten value else [ value ];
    last = list: builtins.elemAt list (length list - 1);
    foldr = f: start: list: if list == [ ] then start else f (head list) (foldr f start (tail list));
    any = builtins.any;
    all = builtins.all;
    imap0 = f: list: builtins.genList (n: f n (builtins.elemAt list n)) (length list);
  };

  attrsets = rec {
    inherit attrNames attrValues hasAttr listToAttrs mapAttrs;
    optionalAttrs = cond: set: if cond then set else { };
    filterAttrs = keep: set: listToAttrs (filter (pair: keep pair.name pair.value) (attrsToList set));
    attrsToList = set: map (name: { inherit name; value = set.${name}; }) (attrNames set);
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    mapAttrs' = f: set: listToAttrs (mapAttrsToList f set);
    nameValuePair = name: value: { inherit name value; };
    genAttrs = names: f: listToAttrs (map (name: { inherit name; value = f name; }) names);
    recursiveUpdate = a: b:
      a // mapAttrs (name: value: if isAttrs value && isAttrs (a.${name} or null) then recursiveUpdate a.${name} value else value) b;
    isDerivation = value: isAttrs value && value.type or null == "derivation";
    getExe = package: "${package}/bin/${package.meta.mainProgram or package.pname or package.name}";
    getExe' = package: name: "${package}/bin/${name}";
  };

  properties = rec {
    mkIf = condition: content: { _type = "if"; inherit condition content; };
    mkMerge = contents: { _type = "merge"; inherit contents; };
    mkOverride = priority: content: { _type = "override"; inherit priority content; };
    mkOptionDefault = mkOverride 1500;
    mkDefault = mkOverride 1000;
    mkForce = mkOverride 50;
    mkVMOverride = mkOverride 10;
    mkOrder = priority: content: { _type = "order"; inherit priority content; };
    mkBefore = mkOrder 500;
    mkAfter = mkOrder 1500;
    mkAssert = assertion: message: content: mkIf (if assertion then true else throw "\nFailed assertion: ${message}") content;

    # A property around a set becomes properties around its values, the condition unevaluated.
    pushDown = value:
      if isType "merge" value then concatMap pushDown value.contents
      else if isType "if" value then map (mapAttrs (_: mkIf value.condition)) (pushDown value.content)
      else if isType "override" value then map (mapAttrs (_: mkOverride value.priority)) (pushDown value.content)
      else if isAttrs value then [ value ]
      else throw "A module's value is a ${typeOf value}, where a set was expected.";

    discharge = value:
      if isType "merge" value then concatMap discharge value.contents
      else if isType "if" value then
        (if !isBool value.condition then throw "mkIf called with a non-Boolean condition"
        else if value.condition then discharge value.content else [ ])
      else [ value ];

    # The definitions that count: those of the highest priority, in mkOrder's order.
    effective = values:
      let
        discharged = concatMap discharge values;
        priorityOf = value: if isType "override" value then value.priority else defaultPriority;
        strip = value: if isType "override" value then value.content else value;
        best = foldl' (least: value: if priorityOf value < least then priorityOf value else least) 9999 discharged;
        chosen = concatMap (value: discharge (strip value)) (filter (value: priorityOf value == best) discharged);
        orderOf = value: if isType "order" value then value.priority else 1000;
      in
      map (value: if isType "order" value then value.content else value) (sort (a: b: orderOf a < orderOf b) chosen);
  };
  inherit (properties) effective pushDown;

  mkOption = { type ? types.unspecified, ... }@option: option // { _type = "option"; inherit type; };
  mkEnableOption = name: mkOption { type = types.bool; default = false; example = true; description = "Whether to enable ${name}."; };
  mkPackageOption = pkgs: name: { default ? name, ... }: mkOption {
    type = types.package;
    default = foldl' (set: part: set.${part}) pkgs (lists.toList default);
    description = "The ${name} package to use.";
  };

  shown = value: let text = builtins.tryEval (toJSON value); in if isFunction value then "a function" else if text.success then text.value else "<${typeOf value}>";

  mergeDefinitions = path: type: values:
    let bad = filter (value: !type.check value) values; in
    if bad != [ ] then throw "A definition for option `${showOption path}' is not of type `${type.description}'. Definition values: ${shown (head bad)}"
    else type.merge path values;

  mkType = name: description: check: merge: { _type = "option-type"; inherit name description check merge; };
  mkOptionType = { name, description ? name, check ? (_: true), merge ? (path: defs: mergeOne path (map (def: def.value) defs)) }:
    mkType name description check (path: values: merge path (map (value: { file = "<unknown-file>"; inherit value; }) values));
  mergeOne = path: values:
    if length values == 1 then head values
    else throw "The option `${showOption path}' is defined multiple times while it's expected to be unique. Definition values: ${concatStringsSep ", " (map shown values)}";
  mergeEqual = path: values:
    if lists.all (value: value == head values) values then head values
    else throw "The option `${showOption path}' has conflicting definition values: ${concatStringsSep ", " (map shown values)}";

  types = rec {
    unspecified = mkType "unspecified" "unspecified value" (_: true) (path: values: if length values == 1 then head values else if lists.all isAttrs values then foldl' attrsets.recursiveUpdate { } values else if lists.all isList values then concatLists values else mergeEqual path values);
    anything = unspecified // { name = "anything"; description = "anything"; };
    raw = mkType "raw" "raw value" (_: true) mergeOne;
    bool = mkType "bool" "boolean" isBool mergeEqual;
    int = mkType "int" "signed integer" isInt mergeEqual;
    ints = {
      unsigned = addCheck int (n: n >= 0);
      positive = addCheck int (n: n > 0);
      between = low: high: addCheck int (n: n >= low && n <= high);
    };
    port = ints.between 0 65535;
    str = mkType "str" "string" isString mergeEqual;
    singleLineStr = addCheck str (text: match "[^\n\r]*" text != null);
    nonEmptyStr = addCheck str (text: match "[ \t\n]*" text == null);
    lines = mkType "separatedString" "strings concatenated with \"\\n\"" isString (_: concatStringsSep "\n");
    commas = mkType "separatedString" "strings concatenated with \",\"" isString (_: concatStringsSep ",");
    strMatching = pattern: addCheck str (text: match pattern text != null);
    path = mkType "path" "absolute path" (value: (isPath value || isString value || value ? outPath) && substring 0 1 (toString value) == "/") mergeEqual;
    package = mkType "package" "package" (value: attrsets.isDerivation value || (isString value && strings.hasPrefix builtins.storeDir value)) mergeOne;
    attrs = mkType "attrs" "attribute set" isAttrs (_: foldl' (a: b: a // b) { });
    enum = values: mkType "enum" "one of ${shown values}" (value: elem value values) mergeEqual;
    nullOr = type: mkType "nullOr" "null or ${type.description}" (value: value == null || type.check value)
      (path: values: if lists.all (value: value == null) values then null else if elem null values then throw "The option `${showOption path}' is defined both null and not null." else type.merge path values);
    either = a: b: mkType "either" "${a.description} or ${b.description}" (value: a.check value || b.check value)
      (path: values: if lists.all a.check values then a.merge path values else if lists.all b.check values then b.merge path values else mergeEqual path values);
    oneOf = list: foldl' either (head list) (tail list);
    coercedTo = from: f: to: mkType "coercedTo" to.description (value: (from.check value && to.check (f value)) || to.check value)
      (path: values: to.merge path (map (value: if from.check value then f value else value) values));
    listOf = type: mkType "listOf" "list of ${type.description}" isList
      (path: values: concatMap (list: concatLists (lists.imap0 (n: item: let kept = effective [ item ]; in if kept == [ ] then [ ] else [ (mergeDefinitions (path ++ [ "[definition ${toString (n + 1)}]" ]) type kept) ]) list)) values);
    attrsOf = type: mkType "attrsOf" "attribute set of ${type.description}" isAttrs
      (path: values:
        let
          sets = concatMap pushDown values;
          merged = mapAttrs (name: _: let kept = effective (concatMap (set: lists.optional (set ? ${name}) set.${name}) sets); in { inherit kept; value = mergeDefinitions (path ++ [ name ]) type kept; }) (foldl' (a: b: a // b) { } sets);
        in
        mapAttrs (_: entry: entry.value) (attrsets.filterAttrs (_: entry: entry.kept != [ ]) merged));
    lazyAttrsOf = attrsOf;
    submodule = module: mkType "submodule" "submodule" (value: isAttrs value || isFunction value || isPath value)
      (path: values: (evalModules {
        modules = lists.toList module ++ map (value: if isAttrs value then { config = value; } else value) values;
        specialArgs.name = lists.last path;
        prefix = path;
      }).config);
    addCheck = type: check: type // { check = value: type.check value && check value; };
  };

  # A module file, function or set in its full form, and all that it imports.
  load = args: module:
    let
      key = if isPath module || isString module then toString module else null;
      value = if key != null then import module else module;
      called = if isFunction value || value ? __functor then value (applicable value) else value;
      applicable = f: let wanted = functionArgs f; in mapAttrs (name: optional: args.${name} or (throw "A module asks for the argument `${name}', which nobody gives.")) wanted // args;
      full =
        if called ? config || called ? options then
          let unknown = attrNames (removeAttrs called [ "config" "options" "imports" "require" "_file" "key" "meta" "disabledModules" "freeformType" "_class" ]); in
          if unknown != [ ] then throw "Module `${toString key}' has an unsupported attribute `${head unknown}'. This is caused by introducing a top-level `config' or `options' attribute. Add configuration attributes immediately on the top level instead, or move all of them into the explicit `config' attribute."
          else called
        else { config = removeAttrs called [ "imports" "require" "_file" "key" "meta" "disabledModules" "freeformType" "_class" ]; imports = called.imports or [ ]; require = called.require or [ ]; };
    in
    { inherit key; config = full.config or { }; options = full.options or { }; imports = (full.imports or [ ]) ++ (full.require or [ ]); };

  loadAll = args: modules:
    let
      go = seen: pending:
        if pending == [ ] then [ ]
        else
          let this = load args (head pending); in
          if this.key != null && elem this.key seen then go seen (tail pending)
          else [ this ] ++ go (if this.key != null then seen ++ [ this.key ] else seen) (tail pending ++ this.imports);
    in
    go [ ] modules;

  mergeOptions = path: a: b:
    a // mapAttrs (name: option:
      if !(a ? ${name}) then option
      else if isType "option" a.${name} || isType "option" option then throw "The option `${showOption (path ++ [ name ])}' is already declared."
      else mergeOptions (path ++ [ name ]) a.${name} option) b;

  evalModules = { modules, specialArgs ? { }, prefix ? [ ] }:
    let
      args = { inherit lib config options; } // specialArgs // config._module.args or { };
      loaded = loadAll ({ inherit lib config options; } // specialArgs) modules;
      options = foldl' (mergeOptions prefix) { } (map (module: module.options) loaded);
      # nixpkgs' modules.nix has them in this order too: what is imported comes before what imports it.
      definitions = concatMap (module: pushDown module.config) (lists.reverseList loaded);

      evalOption = path: option: values:
        let
          kept = effective (values ++ lists.optional (option ? default) (properties.mkOptionDefault option.default));
          merged = mergeDefinitions path option.type kept;
        in
        if kept == [ ] then
          (if elem option.type.name [ "attrsOf" "listOf" "submodule" ] && option.type.name != "submodule" then option.type.merge path [ ]
          else throw "The option `${showOption path}' was accessed but has no value defined. Try setting the option.")
        else (option.apply or (x: x)) merged;

      evalTree = path: tree: sets:
        mapAttrs (name: option:
          let values = concatMap (set: lists.optional (set ? ${name}) set.${name}) sets; in
          if isType "option" option then evalOption (path ++ [ name ]) option values
          else evalTree (path ++ [ name ]) option (concatMap pushDown values)) tree;

      unknownIn = path: tree: sets:
        concatMap (set: concatMap (name:
          if !(tree ? ${name}) then [ (showOption (path ++ [ name ])) ]
          else if isType "option" tree.${name} then [ ]
          else unknownIn (path ++ [ name ]) tree.${name} (pushDown set.${name})) (attrNames set)) sets;

      config = evalTree prefix options definitions;
      unknown = unknownIn prefix options definitions;
    in
    {
      inherit options;
      config = if unknown == [ ] then config else throw "The option `${head unknown}' does not exist.";
    };

  lib = strings // lists // attrsets // removeAttrs properties [ "pushDown" "discharge" "effective" ] // {
    inherit strings lists attrsets types mkOption mkOptionType mkEnableOption mkPackageOption evalModules functionArgs intersectAttrs isFunction isAttrs isBool isInt isList isString;
    literalExpression = text: { _type = "literalExpression"; inherit text; };
    literalMD = text: { _type = "literalMD"; inherit text; };
    boolToString = value: if value then "true" else "false";
    isPath = isPath;
    warn = message: builtins.trace "warning: ${message}";
    id = x: x;
    max = a: b: if a > b then a else b;
    inherit foldl';
    options.literalExpression = lib.literalExpression;
    generators.toJSON = { }: toJSON;
    licenses = { asl20 = { shortName = "asl20"; free = true; }; mit = { shortName = "mit"; free = true; }; unfree = { shortName = "unfree"; free = false; }; };
    platforms = { linux = [ "x86_64-linux" "aarch64-linux" ]; unix = [ "x86_64-linux" "aarch64-linux" ]; };
    maintainers = { };
  };
in
lib
