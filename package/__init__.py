"""The deployment and its components as a Pulumi package, for programs in any language."""
