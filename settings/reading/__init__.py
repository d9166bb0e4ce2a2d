"""The way from the values of the stack file to the model: `load.py` has them from Pulumi, `build.py` puts them together."""
