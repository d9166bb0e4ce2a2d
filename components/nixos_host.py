"""Sets up a NixOS server that runs the tunnel: its files, staged one by one, and their activation."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_random as random
from pulumi_command import remote

from components.connection import ROOT, Connection
from components.remote_programs import PACKED_PROGRAM, WHERE_TO_READ, write_command
from components.unprinted import seal
from render import FileEntry, render_manifest, render_teardown
from settings import Rebuild
from settings.contract import STAGING

OF_SECRETS = "600"
"""The mode of a file that has a secret."""
_INPUTS = ["connection", "create", "delete", "stdin", "triggers"]


@dataclass(frozen=True, kw_only=True)
class HostFile:
    """A file that has to be on the server."""

    name: str
    """The file's name in the staging folder and in Pulumi."""
    path: pulumi.Input[str]
    """Where it goes."""
    content: pulumi.Input[str]
    mode: str = "644"
    owner: str = "root:root"
    """`user:group`"""


@dataclass(frozen=True, kw_only=True)
class NixosHostArgs:
    """The inputs of `NixosHost`: a server and what has to be on it."""

    deployment: str
    """`project/stack`, by which the server knows whom it belongs to."""
    connection: Connection
    tunnel: Sequence[pulumi.Resource]
    """What makes it, deleted after the teardown only: Cloudflare refuses to delete a tunnel that has connections."""
    files: Sequence[HostFile]
    serving: Sequence[str]
    """What the activation is told of the deployment: the lines of `render_serving`."""
    rebuild: Rebuild = field(default_factory=Rebuild)
    guards: Sequence[pulumi.Resource] = ()
    """What stands before the sites: it is there before the server is touched, and is deleted after the teardown only."""
    after: Sequence[pulumi.Resource] = ()
    """What the activation waits for. The files do not: they are only staged."""
    redeploy: int = 0
    """Another number sends every file again, as after a reinstallation."""
    let_go: bool = False
    """Whether the server is gone for good: nothing connects to it any more."""


class NixosHost(pulumi.ComponentResource):
    """A NixOS server: one resource for each file, one that activates them together, and one that cleans up at the end.

    Files go to a staging folder; only the activation touches what is live.
    """

    activation: pulumi.Resource
    """Once it is there, the server serves what it was given."""

    def __init__(
        self, name: str, args: NixosHostArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        connection = args.connection.make_args()
        super().__init__("argoweb:index:NixosHost", name, {"connection": seal(connection)}, opts)
        commands = _Commands(self, name, args, connection)
        teardown = commands.register_teardown()
        # A preview has a made-up id of a new resource; with its output, which is unknown then, the id becomes unknown too.
        made_as = pulumi.Output.all(teardown.id, teardown.stdout).apply(lambda known: str(known[0]))
        # The deletion of a file does nothing: the teardown removes the whole folder, and a successor has the same path. Only
        # those of the program and of the secret mark there that the deployment ends, by the id of the teardown. Two do,
        # for one may have been forgotten by `pulumi state delete`.
        staged = [
            commands.stage("server.sh", PACKED_PROGRAM, tells=made_as, after=teardown, unpack=True)
        ]
        staged += [
            commands.stage(
                each.name,
                each.content,
                tells=made_as if each.mode == OF_SECRETS else None,
                after=teardown,
            )
            for each in args.files
        ]
        self.activation = commands.register_activation(staged)
        self.register_outputs({"address": args.connection.server.text})


class _Commands:
    """The commands of a server, which have its address, owner and staging folder in common."""

    def __init__(
        self,
        host: NixosHost,
        name: str,
        args: NixosHostArgs,
        connection: remote.ConnectionArgs,
    ) -> None:
        self._name = name
        self._args = args
        self._connection = connection
        address = args.connection.server.text
        # Another address is another server: the new one is set up first, then the old one is cleaned.
        self._triggers = [address]
        # A server that is gone can be neither changed nor cleaned: resources in the state stay as they are, new ones run nothing.
        self._opts = pulumi.ResourceOptions(
            parent=host,
            retain_on_delete=args.let_go,
            ignore_changes=_INPUTS if args.let_go else None,
        )
        # If a move fails and is reverted, Pulumi later deletes leftovers that have this very address. A random id for each
        # set of resources keeps that deletion from touching the set in use.
        made = random.RandomId(
            f"{name}-id",
            byte_length=4,
            keepers={"address": address},
            opts=pulumi.ResourceOptions(parent=host),
        )
        self._owner = pulumi.Output.concat(f"{args.deployment}/{name} ", address, " ", made.hex)
        folder = f"{args.deployment.replace('/', '-')}-{name}"
        self._staging = pulumi.Output.concat(f"{STAGING}/{folder}-", address, "-", made.hex)
        self._program = pulumi.Output.concat(self._staging, "/server.sh")

    def register_teardown(self) -> remote.Command:
        """Registers the teardown, a resource whose only work is done when it is deleted.

        Made before the files and the activation, of which Pulumi knows nothing when their connection breaks.
        """
        rebuild = self._args.rebuild
        return self._register(
            "teardown",
            create=self._run("keep.sh", self._staging),
            delete=self._run("launch.sh", "deactivate", self._program),
            stdin=self._owner.apply(lambda owner: render_teardown(rebuild, owner=owner)),
            after=[*self._args.tunnel, *self._args.guards],
        )

    def stage(
        self,
        file: str,
        content: pulumi.Input[str],
        *,
        tells: pulumi.Output[str] | None,
        after: pulumi.Resource,
        unpack: bool = False,
    ) -> remote.Command:
        """Registers the sending of a file to the staging folder; its deletion tells the teardown of this id, if there is one."""
        path = pulumi.Output.concat(self._staging, f"/{file}")
        belongs = [] if tells is None else [tells]
        return self._register(
            file,
            create=self._run("put.sh", path, str(self._args.redeploy), *belongs, unpack=unpack),
            delete=self._run("release.sh", STAGING, *belongs) if belongs else None,
            stdin=content,
            logging=remote.Logging.NONE,
            after=[after],
        )

    def register_activation(self, staged: Sequence[remote.Command]) -> remote.Command:
        """Registers the activation, by which the server serves what is staged."""
        args = self._args
        return self._register(
            "activate",
            # The time at which the files were sent makes the activation run whenever one was sent, even if an update
            # broke off and the stack is then set back to what the state has of the activation.
            create=pulumi.Output.concat(
                WHERE_TO_READ,
                self._run("launch.sh", "activate", self._program, _digest_sent(staged)),
            ),
            stdin=pulumi.Output.all(self._owner, *map(_make_entry, args.files)).apply(
                lambda found: render_manifest(
                    args.serving, args.rebuild, owner=found[0], files=found[1:]
                )
            ),
            # The program prints its steps, never what is in a file.
            logging=remote.Logging.STDOUT_AND_STDERR,
            after=[*staged, *args.after],
        )

    def _run(
        self, script: str, *words: pulumi.Input[str], unpack: bool = False
    ) -> pulumi.Output[str]:
        return pulumi.Output.all(self._args.connection.server.user, *words).apply(
            lambda given: write_command(script, *given[1:], sudo=given[0] != ROOT, unpack=unpack)
        )

    def _register(
        self,
        name: str,
        *,
        create: pulumi.Input[str] | None = None,
        delete: pulumi.Input[str] | None = None,
        stdin: pulumi.Input[str],
        logging: remote.Logging | None = None,
        after: Sequence[pulumi.Resource],
    ) -> remote.Command:
        return remote.Command(
            f"{self._name}-{name}",
            connection=self._connection,
            create=None if self._args.let_go else create,
            delete=delete,
            stdin=stdin,
            triggers=self._triggers,
            logging=logging,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions.merge(
                self._opts, pulumi.ResourceOptions(depends_on=[*after])
            ),
        )


def _make_entry(file: HostFile) -> pulumi.Output[FileEntry]:
    """Gives the file's line of the manifest; the digest of a secret with 381 random bits tells nothing of it."""
    return pulumi.Output.unsecret(
        pulumi.Output.all(file.path, file.content).apply(
            lambda values: FileEntry(
                name=file.name,
                mode=file.mode,
                owner=file.owner,
                sha256=hashlib.sha256(values[1].encode()).hexdigest(),
                path=values[0],
            )
        )
    )


def _digest_sent(staged: Sequence[remote.Command]) -> pulumi.Output[str]:
    """Gives a text that changes whenever a file is sent again, and tells nothing of what is in the files."""
    return pulumi.Output.unsecret(
        pulumi.Output.all(*(each.stdout for each in staged)).apply(
            lambda times: hashlib.sha256("".join(times).encode()).hexdigest()[:16]
        )
    )
