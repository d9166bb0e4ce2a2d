"""`python -m sandbox.engine`: makes sure of Pulumi's command line, which may take minutes the first time."""

import sys

from sandbox.engine import pulumi_cli
from sandbox.lifecycle import say
from sandbox.state import SandboxError

try:
    pulumi_cli.find(say)
except SandboxError as error:
    sys.exit(str(error))
