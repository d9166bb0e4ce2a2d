"""Takes over a state that came from another stack or project by `pulumi stack import`, or that `pulumi state repair` has mended."""

import pulumi

from existing import OwnState


def take_over_state(own: OwnState) -> None:
    """Gives each resource that is registered from here on the alias under which the state has it: another stack's name, or no parent.

    Else the engine makes all of them anew and deletes the others, which are the same. `pulumi state repair` takes a parent
    away that the state does not have.
    """
    if own.imported_from is not None:
        pulumi.log.info(
            f"The state is that of the stack {own.imported_from}, which goes on as {pulumi.get_project()}/{pulumi.get_stack()}. "
            f"If {own.imported_from} is still there, forget it with `pulumi stack rm --force`; never `pulumi destroy` it."
        )

    def add_alias(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        urn = own.elsewhere.get((args.type_, args.name))
        if urn is None or (own.imported_from is None and args.opts.parent is None):
            return None
        aliased = pulumi.ResourceOptions(aliases=[urn])
        return pulumi.ResourceTransformationResult(
            args.props, pulumi.ResourceOptions.merge(args.opts, aliased)
        )

    pulumi.runtime.register_stack_transformation(add_alias)
