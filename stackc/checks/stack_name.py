"""No or an invalid stack name."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.checks.names import is_service_name
from stackc.parse.nodes import Mapping

EXPLANATION = """\
A stack's name is the first part of the name of everything in it: of services (`STACK_SERVICE`), networks, configs,
secrets and volumes. The engine takes letters, digits, `-` and `_`, with a letter or digit first and last.

Give the name on the command line (`stackc apply -c FILE STACK`), or as `name:` in the file (Compose dialect), where
it is brought to lower case and other characters are left out.
"""


def check(root: Mapping, stack: str, context: Context) -> None:
    if not is_service_name(stack):
        message = f"the stack name `{stack}` is not allowed" if stack else "the stack has no name"
        context.report("SC4010", message, None, hint="letters, digits, - and _; first and last a letter or digit")
