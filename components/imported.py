"""A state that came from another stack or project, by `pulumi stack import`."""

import pulumi

from existing import OwnState


def take_on(own: OwnState) -> None:
    """Lets each resource that comes after this be the one that the state has under another stack's name.

    Else the engine makes all of them anew and deletes the others, which are the same.
    """
    if own.imported_from is None:
        return
    pulumi.log.info(
        f"The state is that of the stack {own.imported_from}, which goes on as {pulumi.get_project()}/{pulumi.get_stack()}. "
        f"If {own.imported_from} is still there, forget it with `pulumi stack rm --force`; never `pulumi destroy` it."
    )

    def named(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        urn = own.imported.get((args.type_, args.name))
        if urn is None:
            return None
        aliased = pulumi.ResourceOptions(aliases=[urn])
        return pulumi.ResourceTransformationResult(
            args.props, pulumi.ResourceOptions.merge(args.opts, aliased)
        )

    pulumi.runtime.register_stack_transformation(named)
