"""Reads sites that stand in a file of their own, since Pulumi hands no more to a program than a variable holds."""

from pathlib import Path
from typing import Any

from cloudflared.go.decode import Decoder
from cloudflared.go.yaml import YamlError, compose
from settings.keys.site import SITE
from settings.keys.stack import SITES_FILE
from values.findings import Findings, Kind

NO_SITES = Kind("sites-file", "The file that `argoweb:sitesFile` names is no list of sites.")
_PLACE = f"argoweb:{SITES_FILE}"


def read_sites_file(
    folder: Path, name: str, findings: Findings
) -> list[tuple[str, dict[str, Any]]]:
    """Reads the sites of the file `name` below `folder`, each with its place, as `sites.yaml[3]`."""
    decoder = Decoder(findings=findings)
    try:
        document = compose((folder / name).read_bytes())
        sites = None if document is None else decoder.read_untyped(document, name)
    except OSError as error:
        findings.add(NO_SITES, _PLACE, f"{name} cannot be read: {error.strerror}.")
        return []
    except YamlError as error:
        findings.add(NO_SITES, _PLACE, f"{name} is no YAML, in line {error.line}: {error}.")
        return []
    if not isinstance(sites, list):
        text, remedy = f"{name} has no list.", "Write it as `- hostname: www.example.com`."
        findings.add(NO_SITES, _PLACE, text, remedy)
        return []
    named = ((f"{name}[{index}]", site) for index, site in enumerate(sites))
    return [(place, SITE.read(site, place, findings)) for place, site in named]
