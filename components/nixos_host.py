"""A NixOS server that runs the tunnel: its files, staged one by one, and their activation."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_random as random
from pulumi_command import remote

from components.remote_programs import SERVER_PROGRAM, command
from components.unprinted import seal
from render import FileEntry, manifest, teardown_manifest
from settings import Server, Settings

STAGING = "/var/lib/argoweb-deploy/staging"
"""Where files wait on the server until all of them are there."""
_INPUTS = ["connection", "create", "delete", "stdin", "triggers"]


@dataclass(frozen=True, kw_only=True)
class HostFile:
    """A file that has to be on the server."""

    name: str
    """Its name in the staging folder and in Pulumi."""
    path: pulumi.Input[str]
    """Where it goes."""
    content: pulumi.Input[str]
    mode: str = "644"
    owner: str = "root:root"
    """`user:group`"""


@dataclass(frozen=True, kw_only=True)
class NixosHostArgs:
    """A server and what has to be on it."""

    settings: Settings
    server: Server
    tunnel: pulumi.Resource
    """Deleted after the teardown only: Cloudflare refuses to delete a tunnel that has connections."""
    files: Sequence[HostFile]
    after: Sequence[pulumi.Resource] = ()
    """What the activation waits for. The files do not: they are only staged."""


class NixosHost(pulumi.ComponentResource):
    """One resource a file, so that a preview names what changes, one that activates them together, and one for the end.

    Files go to a staging folder; only the activation touches what is live.
    """

    activation: pulumi.Resource
    """Once it is there, the server serves what it was given."""

    def __init__(
        self, name: str, args: NixosHostArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        server = args.server
        connection = _connection(args.settings, server)
        super().__init__("argoweb:index:NixosHost", name, {"connection": seal(connection)}, opts)
        sudo = server.user != "root"
        deployment = args.settings.deployment
        # A move that failed and was set back leaves resources of this very address to be deleted: on the server each
        # set of them has an id of its own, so that the end of the earlier one is not that of the later one.
        made = random.RandomId(
            f"{name}-id",
            byte_length=4,
            keepers={"address": server.address_text},
            opts=pulumi.ResourceOptions(parent=self),
        )
        owner = pulumi.Output.concat(f"{deployment}/{server.name} {server.address_text} ", made.hex)
        staging = pulumi.Output.concat(
            f"{STAGING}/{deployment.replace('/', '-')}-{server.name}-{server.address_text}-",
            made.hex,
        )
        # A server that moved is a new one: set up first, the old one cleaned afterwards.
        triggers = [server.address_text]
        # A server that is gone can neither be changed nor cleaned; what is not in the state is made without it.
        children = pulumi.ResourceOptions(
            parent=self,
            retain_on_delete=server.let_go,
            ignore_changes=_INPUTS if server.let_go else None,
        )

        def run(script: str, *words: pulumi.Input[str]) -> pulumi.Output[str]:
            return pulumi.Output.all(*words).apply(lambda given: command(script, *given, sudo=sudo))

        program = pulumi.Output.concat(staging, "/server.sh")
        # Made before the files and the activation, of which Pulumi knows nothing when their connection breaks.
        teardown = remote.Command(
            f"{name}-teardown",
            connection=connection,
            delete=run("launch.sh", "deactivate", program),
            stdin=owner.apply(lambda owner: teardown_manifest(server, owner=owner)),
            triggers=triggers,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions.merge(
                children, pulumi.ResourceOptions(depends_on=[args.tunnel])
            ),
        )

        def stage(
            file: str,
            content: pulumi.Input[str],
            *belongs: pulumi.Input[str],
            delete: pulumi.Input[str] | None = None,
        ) -> remote.Command:
            path = pulumi.Output.concat(staging, f"/{file}")
            put = run("put.sh", path, str(server.redeploy), *belongs)
            return remote.Command(
                f"{name}-{file}",
                connection=connection,
                create=None if server.let_go else put,
                delete=delete,
                stdin=content,
                triggers=triggers,
                logging=remote.Logging.NONE,
                add_previous_output_in_env=False,
                opts=pulumi.ResourceOptions.merge(
                    children, pulumi.ResourceOptions(depends_on=[teardown])
                ),
            )

        # The end of a file is that of its folder, which the teardown removes; what replaces a file has the same place. The
        # program's end tells the teardown of one that goes for good from that of one which is replaced.
        # In a preview the plugin makes an id up for what is yet to be made; what it will print is unknown then.
        made_as = pulumi.Output.all(teardown.id, teardown.stdout).apply(lambda known: str(known[0]))
        release = run("release.sh", STAGING, made_as)
        staged = [stage("server.sh", SERVER_PROGRAM, made_as, delete=release)]
        staged += [stage(file.name, file.content) for file in args.files]
        # When the files were sent is of no use there but to run it again whenever one was: also when an update broke off
        # and the stack is then set back to what its state has of the activation.
        activate = run("launch.sh", "activate", program, _sent(staged))
        self.activation = remote.Command(
            f"{name}-activate",
            connection=connection,
            create=None if server.let_go else activate,
            stdin=pulumi.Output.all(owner, *(_entry(file) for file in args.files)).apply(
                lambda found: manifest(args.settings, server, owner=found[0], files=found[1:])
            ),
            triggers=triggers,
            # The program prints its steps, never what is in a file.
            logging=remote.Logging.STDOUT_AND_STDERR,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions.merge(
                children, pulumi.ResourceOptions(depends_on=[*staged, *args.after])
            ),
        )
        self.register_outputs({"address": server.address_text})


def _entry(file: HostFile) -> pulumi.Output[FileEntry]:
    """The file's line of the manifest. The digest of a secret with 381 random bits tells nothing of it."""
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


def _sent(staged: Sequence[remote.Command]) -> pulumi.Output[str]:
    """Another text whenever one of the files was sent again. Of what is in them it tells nothing."""
    return pulumi.Output.unsecret(
        pulumi.Output.all(*(each.stdout for each in staged)).apply(
            lambda times: hashlib.sha256("".join(times).encode()).hexdigest()[:16]
        )
    )


def _connection(settings: Settings, server: Server) -> remote.ConnectionArgs:
    bastion = server.bastion
    return remote.ConnectionArgs(
        host=server.address,
        port=server.port,
        user=server.user,
        private_key=settings.ssh_private_key,
        host_key=server.host_key,
        dial_error_limit=server.dial_attempts - 1,  # the plugin counts the failures it forgives
        per_dial_timeout=server.dial_timeout,
        proxy=None
        if bastion is None
        else remote.ProxyConnectionArgs(
            host=bastion.address,
            port=bastion.port,
            user=bastion.user,
            private_key=settings.ssh_private_key,
            host_key=bastion.host_key,
            dial_error_limit=server.dial_attempts - 1,
            per_dial_timeout=server.dial_timeout,
        ),
    )
