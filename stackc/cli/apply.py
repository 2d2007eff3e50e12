"""`stackc apply`: plan, ask, write wave by wave, wait for the verdict. `stackc apply P`: exactly the saved plan P."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from stackc.cli.ask import confirmed
from stackc.cli.engine import add_host, add_images, add_prune, add_replace_network, add_show_env, engine, image_settings
from stackc.cli.inputs import add_inputs, compile_inputs
from stackc.cli.shell import USAGE, Shell, UserError
from stackc.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.engine import Engine
    from reconciler.rollout import Prepared, Settings


def add_arguments(parser: ArgumentParser) -> None:
    add_inputs(parser, stack_required=True, metavar="STACK|P", stack_help="the stack's name, or a saved plan")
    add_host(parser)
    add_show_env(parser)
    add_images(parser)
    add_replace_network(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    add_prune(parser)
    parser.add_argument("--max-removals", type=int, metavar="N", help="services (default: 3, or 30 %% of the stack)")
    parser.add_argument(
        "--keep", type=int, default=5, metavar="N", help="good revisions whose configs and secrets stay (default 5)"
    )
    parser.add_argument(
        "--with-registry-auth", action="store_true", help="let the nodes pull with this user's registry credentials"
    )
    parser.add_argument("--verify-key", metavar="KEY", help="refuse a saved plan that this Ed25519 key has not signed")
    parser.add_argument("--timeout", type=float, default=600.0, metavar="SECONDS", help="for the verdict (default 600)")
    parser.add_argument("--detach", "-d", action="store_true", help="write everything at once and do not wait")


def run(args: Namespace, shell: Shell) -> int:
    from reconciler.rollout import Revision, Settings, carry_out
    from stackc.cli.plan import warn_unfinished
    from stackc.cli.progress import view
    from stackc.cli.verdict import tell
    from stackc.report import plan_diff

    saved_plan = saved_path(args, shell)
    plan = None
    if saved_plan is None:
        plan = compile_inputs(args, shell)
        if plan is None:
            return 1
    elif args.file:
        shell.err.write("stackc apply: a saved plan and -c FILE exclude each other\n")
        return USAGE
    if args.verify_key and saved_plan is None:
        shell.err.write("stackc apply: --verify-key goes with a saved plan\n")
        return USAGE
    with engine(args, shell) as client:
        settings = Settings(
            prune=args.prune == "on",
            max_removals=args.max_removals,
            keep=args.keep,
            timeout=args.timeout,
            detach=args.detach,
            send_auth=args.with_registry_auth,
            replace_network=args.replace_network,
            **image_settings(args, shell),
        )
        prepared = (
            _from_saved(client, saved_plan, shell, settings, args.verify_key)
            if saved_plan
            else _compared(client, plan, settings)
        )
        if args.prune == "confirm" and prepared.diff.kept:
            prepared = _asked_to_remove(prepared, settings, shell)
        if args.format == "text":
            shell.out.write(plan_diff.text(prepared.diff, client.manager(), env=args.show_env))
            warn_unfinished(prepared, shell)
        pending = not prepared.diff.empty or prepared.unfinished is not None
        if pending and not prepared.bound.missing and not prepared.bound.dropped and not confirmed(args, shell):
            return 1
        with view(shell, args.format, colour=not args.no_color) as progress:
            from dataclasses import replace

            what = saved_plan or ", ".join(args.file or ["default file"])
            revision = Revision(message=f"stackc apply by hand ({what})")
            outcome = carry_out(client, prepared, revision, replace(settings, progress=progress))
    return tell(outcome, prepared.bound.stack, shell, args.format)


def _asked_to_remove(prepared: Prepared, settings: Settings, shell: Shell) -> Prepared:
    """With the removals that somebody at the terminal agreed to; without a terminal nothing is removed."""
    from dataclasses import replace

    from reconciler.rollout.prepare import compare_with

    names = ", ".join(prepared.diff.kept)
    if not shell.stdin.isatty():
        shell.err.write(f"note: kept, for there is nobody to ask: {names}\n")
        return prepared
    shell.out.write(f"In no file any more: {names}\nRemove after success? [y/N] ")
    shell.out.flush()
    if shell.stdin.readline().strip().lower() not in ("y", "yes"):
        return prepared
    return compare_with(prepared.bound, prepared.observed, replace(settings, prune=True))


def _compared(client: Engine, plan: object, settings: Settings) -> Prepared:
    from reconciler.rollout import prepare
    from stackc.plan import StackPlan

    assert isinstance(plan, StackPlan)
    return prepare(client, plan, settings)


def saved_path(args: Namespace, shell: Shell) -> str | None:
    """The argument as a saved plan's path: an existing file whose name no stack could have, or that is JSON."""
    import os

    name = args.stack
    if not name:
        return None
    path = os.path.join(shell.cwd, name)  # noqa: PTH118
    if ("/" in name or name.endswith(".json")) and not os.path.isfile(path):  # noqa: PTH113
        raise UserError(f"there is no saved plan {name}")
    return path if os.path.isfile(path) and not args.file else None  # noqa: PTH113


def _from_saved(client: Engine, path: str, shell: Shell, settings: Settings, verify_key: str | None = None) -> Prepared:
    """The saved plan against what is there now. Raises UserError before any write when the world moved."""
    import os
    from dataclasses import replace

    from reconciler.engine.observe import observe
    from reconciler.rollout.prepare import compare_with
    from stackc.cli import signing
    from stackc.diff import saved

    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            record = json.load(file)
        if verify_key:
            signing.verify(record, os.path.join(shell.cwd, verify_key))  # noqa: PTH118
        elif signing.is_signed(record):
            shell.err.write("note: the plan is signed; --verify-key would check by whom\n")
        bound, base, prune, sources = saved.from_json(record)
    except saved.BadPlanError as error:
        raise UserError(f"{path}: {error}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read as a saved plan: {error}") from error
    observed = observe(client, bound.stack)
    moved = saved.moved(base, observed.fingerprint())
    if moved:
        lines = "\n  ".join(moved)
        raise UserError(
            f"the plan is out of date, nothing was written; since it was made:\n  {lines}\n  next: plan again"
        )
    data = {**bound.data, **_secrets(bound.secrets, sources, shell)}
    return compare_with(replace(bound, data=data), observed, replace(settings, prune=prune))


def _secrets(specs: object, sources: dict[str, str], shell: Shell) -> dict[tuple[str, str], bytes]:
    """Read new secrets again from where the plan found them; other bytes than then are refused."""
    from stackc.diff import saved

    assert isinstance(specs, dict)
    found: dict[tuple[str, str], bytes] = {}
    for name, source in sources.items():
        kind, _, place = source.partition(" ")
        if kind == "environment" and place not in shell.env:
            raise UserError(f"secret {name}: the variable {place} is not set here; set it as when the plan was made")
        try:
            data = shell.env[place].encode() if kind == "environment" else _bytes_of(place)
        except OSError as error:
            raise UserError(f"secret {name}: {place} cannot be read again: {error.strerror}; plan again") from error
        if not saved.secret_fits(specs[name], data):
            raise UserError(f"secret {name}: {place} is not what it was when the plan was made; plan again")
        found["secret", name] = data
    return found


def _bytes_of(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123
        return file.read()
