"""Pulumi's Python language host, for engines that come without it.

An executable `pulumi-language-python` on PATH that prints its port and serves `LanguageRuntime`. As the
official one (pulumi/pulumi, sdk/python/cmd/pulumi-language-python), it runs the program in an interpreter of
its own each time and names the plugins that the installed packages need.
"""

import json
import os
import queue
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import grpc
import pulumi
from pulumi.automation import _server
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

_RUN = "run"
_TOLD = 32
"""`pythonProcessExitedAfterShowingUserActionableMessage` of the official host: how a program ends that has said why."""
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class LanguageHost(LanguageServer):
    """The methods that differ from those of Pulumi's own server for inline programs."""

    def __init__(self, engine: str) -> None:
        super().__init__(lambda: None)
        self._engine = engine

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        return language_pb2.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(name=name, kind="resource", version=f"v{version}")
                for name, version in _plugins()
            ]
        )

    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:
        return language_pb2.GetRequiredPluginsResponse(
            plugins=[
                plugin_pb2.PluginDependency(name=name, kind="resource", version=f"v{version}")
                for name, version in _plugins()
            ]
        )

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:
        """What `pulumi install` asks for: the packages of requirements.txt in the virtual environment of Pulumi.yaml."""
        folder = Path(request.info.program_directory or request.directory)
        environment = _environment(request.info, folder)
        if environment is None:
            return
        if not environment.exists():
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        pip = [
            str(environment / "bin/python"),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
        ]
        installed = subprocess.run(
            [*pip, "-r", "requirements.txt"], cwd=folder, capture_output=True, check=False
        )
        yield language_pb2.InstallDependenciesResponse(
            stdout=installed.stdout, stderr=installed.stderr
        )
        if installed.returncode != 0:
            context.abort(grpc.StatusCode.INTERNAL, "pip could not install requirements.txt")

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        """Runs a package's program, a folder with a `PulumiPlugin.yaml`, until it ends or is not wanted any more."""
        folder = Path(request.info.program_directory)
        environment = _environment(request.info, folder)
        python = sys.executable if environment is None else environment / "bin/python"
        shown: queue.Queue[Any] = queue.Queue()
        with subprocess.Popen(
            [str(python), "-u", str(folder), *request.args],
            cwd=request.pwd,
            env=dict(entry.split("=", 1) for entry in request.env) or None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as program:
            context.add_callback(program.terminate)
            for name in ("stdout", "stderr"):
                threading.Thread(
                    target=_pass_on, args=(getattr(program, name), name, shown), daemon=True
                ).start()
            for _ in range(2):
                while (piece := shown.get()) is not None:
                    yield piece
            yield language_pb2.RunPluginResponse(exitcode=program.wait())

    def Run(self, request: Any, context: Any) -> Any:
        request.args[:] = [self._engine]
        # As the official one, which is why a program cannot have more than Linux takes in a variable.
        handed = {"PULUMI_CONFIG": json.dumps(dict(request.config), separators=(",", ":"))}
        try:
            program = subprocess.Popen(
                [sys.executable, "-u", "-m", "sandbox.engine.language_host", _RUN],
                env={**os.environ, **handed},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError as error:
            told = f"could not run language executor): fork/exec {sys.executable}: {os.strerror(error.errno or 0).lower()}"
            return language_pb2.RunResponse(error=f"problem executing program ({told}")
        with program:
            # As the official one: an engine that waits no longer, since a resource has failed, interrupts the program.
            context.add_callback(lambda: program.send_signal(signal.SIGINT))
            answer, _ = program.communicate(request.SerializeToString())
        response = language_pb2.RunResponse()
        if program.returncode != 0:
            response.error = f"program exited with non-zero exit code: {program.returncode}"
        else:
            response.ParseFromString(answer)
        return response


def _environment(info: Any, folder: Path) -> Path | None:
    """The virtual environment of a program or package, where its file names one."""
    options = info.options
    return folder / options["virtualenv"] if "virtualenv" in options else None


def _pass_on(stream: IO[bytes], name: str, shown: "queue.Queue[Any]") -> None:
    """Hands what a program prints to whoever waits for it, and at its end nothing."""
    while piece := os.read(stream.fileno(), 65536):
        answer: Any = {name: piece}
        shown.put(language_pb2.RunPluginResponse(**answer))
    shown.put(None)


def _plugins() -> list[tuple[str, str]]:
    """Name and version of the resource plugin of each package that is installed beside Pulumi's."""
    packages = Path(pulumi.__file__).parent.parent
    described = [json.loads(file.read_text()) for file in packages.glob("*/pulumi-plugin.json")]
    return [(it["name"], it["version"]) for it in described if it.get("resource")]


def _run() -> None:
    """Runs one program; the request on stdin, the response on stdout, the program's own output on stderr."""
    request = language_pb2.RunRequest()
    request.ParseFromString(sys.stdin.buffer.read())
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    folder = Path(request.info.program_directory or request.pwd) / (request.info.entry_point or ".")
    os.chdir(request.pwd)
    sys.path[0] = str(folder)
    os.environ.pop("PYTHONPATH", None)

    def program() -> None:
        runpy.run_path(str(folder), run_name="__main__")

    answer.write(_answered(program, request).SerializeToString())
    answer.close()
    sys.stdout.flush()
    os._exit(0)


def _answered(program: Callable[[], None], request: Any) -> Any:
    """Runs the program in this process; an error that was shown already is not shown once more."""

    async def run_in_stack(function: Any) -> None:
        try:
            await pulumi.runtime.run_in_stack(function)
        except SystemExit as end:
            if end.code != _TOLD:
                raise
            told.append(end)

    told: list[SystemExit] = []
    setattr(_server, "run_in_stack", run_in_stack)  # noqa: B010 the server has no other place for it
    server: Any = LanguageServer(program)
    response = server.Run(request, None)
    if told or response.error:
        return language_pb2.RunResponse(bail=True)
    return response


def main() -> None:
    """Serves until SIGINT or SIGTERM, which end it quietly."""
    if sys.argv[1:] == [_RUN]:
        _run()
    arguments = [word for word in sys.argv[1:] if not word.startswith("-")]
    server = grpc.server(ThreadPoolExecutor(max_workers=8), options=_UNLIMITED)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(
        LanguageHost(arguments[0] if arguments else ""), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    server.stop(grace=None)
    os._exit(0)


if __name__ == "__main__":
    main()
