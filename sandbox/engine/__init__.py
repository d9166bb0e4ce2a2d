"""The Pulumi engine of the sandbox: command line, language host, plugins."""
