"""The programs of docs/package.md in TypeScript and Go, with the sandbox's values and the SDK that Pulumi makes of the package."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from sandbox.world import World
from tests.engine import each_argument
from tests.engine.consumer import ACCOUNT, DOCUMENT, Consumer
from tests.real import official_host


@dataclass(frozen=True, kw_only=True)
class Language:
    """What is beside a program, and how it is written."""

    runtime: str
    mark: str
    """Of the document's block."""
    program: str
    beside: dict[str, str]
    fetch: tuple[str, ...]
    """Brings what the program needs from the language's registry."""
    check: tuple[str, ...]
    """Compiles the file that has each argument of each component."""
    address: tuple[str, str]
    """The document's, and one that is an output, with a port."""


TYPESCRIPT = Language(
    runtime="nodejs",
    mark="ts",
    program="index.ts",
    check=("npx", "tsc", "--noEmit"),
    beside={
        "each.ts": each_argument.typescript(),
        "package.json": json.dumps(
            {
                "name": "shop",
                "main": "index.ts",
                "dependencies": {"@pulumi/pulumi": "^3.231.0"},
                "devDependencies": {"@types/node": "^20", "typescript": "^5"},
            }
        ),
        "tsconfig.json": json.dumps(
            {
                "compilerOptions": {"strict": True, "target": "es2020", "module": "commonjs", "moduleResolution": "node"},
                "files": ["index.ts", "each.ts"],
            }
        ),
    },
    fetch=("npm", "install", "--no-audit", "--no-fund"),
    address=(
        'address: "192.0.2.10"',
        'address: pulumi.output("127.0.0.1"), port: pulumi.output(PORT)',
    ),
)  # fmt: skip
GO = Language(
    runtime="go",
    mark="go",
    program="main.go",
    check=("go", "vet", "./each"),
    beside={
        "each/each.go": each_argument.go(),
        "go.mod": "module shop\n\ngo 1.24\n\nrequire github.com/pulumi/pulumi/sdk/v3 v3.256.0\n",
    },
    fetch=("go", "mod", "download"),
    address=(
        'Address: pulumi.String("192.0.2.10")',
        'Address: pulumi.String("127.0.0.1").ToStringOutput(), Port: pulumi.Int(PORT).ToIntOutput()',
    ),
)  # fmt: skip


class DocumentProgram(Consumer):
    """A program of the document in such a language."""

    def __init__(self, world: World, folder: Path, language: Language) -> None:
        self.language = language
        super().__init__(world, folder, {"runtime": language.runtime})
        project = folder / "Pulumi.yaml"
        project.write_text(yaml.safe_dump({"name": "shop", "runtime": language.runtime}))
        for name, text in language.beside.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)

    def write(self) -> None:
        """Lets the program have the inputs."""
        (text,) = re.findall(rf"```{self.language.mark}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
        (server,) = self.inputs["servers"].values()
        (line,) = re.findall(r"^.*/srv/www.*\n", text, re.MULTILINE)
        (key,) = re.findall(r"ssh-ed25519 [^\"]+", text)
        theirs, ours = self.language.address
        sites = [line]
        for site in self.inputs["sites"][1:]:
            more = line.replace("root:", "service:").replace("Root:", "Service:")
            more = more.replace("/srv/www", site["service"])
            sites.append(more.replace("www.example.com", site["hostname"]))
        for before, after in (
            (line, "".join(sites)),
            (theirs, ours.replace("PORT", str(server["port"]))),
            (key, server["hostKey"]),
            ("0123456789abcdef0123456789abcdef", ACCOUNT),
            ('"example.com"', '"example.localhost"'),
            ("www.example.com", "www.example.localhost"),
        ):
            assert before in text
            text = text.replace(before, after)
        (self.folder / self.language.program).write_text(text)


def document_program(world: World, folder: Path, language: Language) -> DocumentProgram:
    """A program with the SDK that `pulumi package add` makes for it."""
    unchecked = f"a program in {language.runtime} with the package"
    official_host(language.runtime, world, unchecked)
    tool = language.fetch[0]
    if shutil.which(tool) is None:
        pytest.skip(f"wants the program {tool}, so this was NOT CHECKED: {unchecked}")
    world.own_environment()
    consumer = DocumentProgram(world, folder, language)
    fetched = world.run(*language.fetch, folder=str(folder), check=False)
    if fetched.returncode != 0:
        pytest.skip(
            f"wants the registry of {tool}, so this was NOT CHECKED: {unchecked} ({fetched.stderr[-200:]})"
        )
    consumer.pulumi("package", "add", str(world.root / "package"))
    world.run(*language.check, folder=str(folder))
    return consumer
