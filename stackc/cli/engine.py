"""What every command that talks to a manager shares: choosing it, and turning its refusals into one line."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import contextmanager

from stackc.cli.shell import Shell, UserError
from stackc.hints import TYPE_CHECKING, Any, Iterator

if TYPE_CHECKING:
    from reconciler.engine import Engine


def add_host(parser: ArgumentParser) -> None:
    parser.add_argument("--host", "-H", metavar="ADDRESS", help="the manager, such as unix:///run/docker.sock")


def add_stack(parser: ArgumentParser) -> None:
    parser.add_argument("stack", metavar="STACK", help="the stack's name")


def add_format(parser: ArgumentParser, *formats: str) -> None:
    parser.add_argument("--format", choices=("text", "json", *formats), default="text")


def add_images(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--resolve-image",
        choices=("always", "changed", "never"),
        default="changed",
        help="whose digests to ask the registry for: of all services, of new and changed ones (default), of none",
    )


def add_replace_network(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--replace-network",
        action="store_true",
        help="give a network whose options changed a new generation and move its services there",
    )


def image_settings(args: Namespace, shell: Shell) -> dict[str, Any]:
    """The fields of a rollout's Settings that say how images are pinned."""
    from reconciler.engine.credentials import registry_auth

    return {"resolve_image": args.resolve_image, "registry_auth": registry_auth(shell.env)}


def add_prune(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--prune",
        choices=("off", "confirm", "on"),
        default="off",
        help="what is in no file any more: keep it (default), ask, or remove it after success",
    )


def add_show_env(parser: ArgumentParser) -> None:
    parser.add_argument("--show-env", action="store_true", help="show values of the environment, masked otherwise")


@contextmanager
def engine(args: Namespace, shell: Shell, *, start: bool = True) -> Iterator[Engine]:
    """The manager that the arguments and the environment name. Raises UserError for whatever it refuses."""
    from reconciler.engine import EngineError, connect

    try:
        client = connect(args.host, shell.env, start=start)
    except EngineError as error:
        raise UserError(_text(error.kind, error.message)) from error
    try:
        yield client
    except EngineError as error:
        raise UserError(_text(error.kind, error.message)) from error
    finally:
        client.close()


def _text(kind: str, message: str) -> str:
    if kind == "unreachable" and "hint" not in message:
        return f"{message}\n  hint: start it, or name another one with --host or DOCKER_HOST"
    return message
