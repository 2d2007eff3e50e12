"""`stackc plan -c FILE… STACK`: what an apply would change, field by field, and why. Nothing is written."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from stackc.cli.engine import add_host, add_images, add_prune, add_replace_network, add_show_env, engine, image_settings
from stackc.cli.inputs import add_inputs, compile_inputs, project_folder
from stackc.cli.shell import USAGE, Shell, UserError
from stackc.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.rollout import Prepared
    from stackc.plan import StackPlan


def add_arguments(parser: ArgumentParser) -> None:
    add_inputs(parser, stack_required=True)
    add_host(parser)
    add_show_env(parser)
    add_images(parser)
    add_replace_network(parser)
    parser.add_argument("--output", "-o", metavar="P", help="save the plan, for `stackc apply P`")
    parser.add_argument("--sign-key", metavar="KEY", help="sign the saved plan with this Ed25519 private key")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    add_prune(parser)
    parser.add_argument("--detailed-exitcode", action="store_true", help="exit 2 when there are changes")


def run(args: Namespace, shell: Shell) -> int:
    from reconciler.rollout import Settings, prepare
    from stackc.report import plan_diff

    if args.sign_key and not args.output:
        shell.err.write("stackc plan: --sign-key signs a saved plan: give -o P too\n")
        return USAGE
    plan = compile_inputs(args, shell)
    if plan is None:
        return 1
    with engine(args, shell) as client:
        prepared = prepare(
            client,
            plan,
            Settings(prune=args.prune == "on", replace_network=args.replace_network, **image_settings(args, shell)),
        )
        manager = client.manager()
    missing, dropped = prepared.bound.missing, prepared.bound.dropped
    if missing:
        raise UserError("; ".join(missing) + "\n  next: create it first, or take `external` out of the file")
    if dropped:
        raise UserError("; ".join(dropped) + "\n  next: update the engines, or take the key out of the file")
    if args.format == "json":
        shell.out.write(json.dumps(plan_diff.to_json(prepared.diff, manager, env=args.show_env), indent=2) + "\n")
    else:
        form = plan_diff.markdown if args.format == "markdown" else plan_diff.text
        shell.out.write(form(prepared.diff, manager, env=args.show_env))
        warn_unfinished(prepared, shell)
    if args.output:
        save(args.output, prepared, plan, project_folder(args, shell), shell, sign_key=args.sign_key)
    return 2 if args.detailed_exitcode and not prepared.diff.empty else 0


def warn_unfinished(prepared: Prepared, shell: Shell) -> None:
    attempt = prepared.unfinished
    if attempt is not None:
        from reconciler.rollout.lease import shown

        shell.err.write(f"note: revision {attempt.number} is still being applied by {shown(attempt.actor)}\n")


def save(path: str, prepared: Prepared, plan: StackPlan, folder: str, shell: Shell, *, sign_key: str | None) -> None:
    """Write the plan for a later apply: readable by its owner only, for config contents are in it. ``folder``: where
    relative paths of the files begin; a new secret is read from there again."""
    import os

    from stackc.diff import saved

    new = {name for kind, name in prepared.bound.data if kind == "secret"}
    origins = {
        name: _source(file.origin, folder)
        for base, file in plan.secrets.items()
        for name in new
        if name == base or name.startswith(f"{base}-")
    }
    record = saved.to_json(prepared.bound, prepared.diff.base, prepared.diff.prune, origins)
    if sign_key:
        from stackc.cli.signing import sign

        record = sign(record, os.path.join(shell.cwd, sign_key))  # noqa: PTH118
    target = os.path.join(shell.cwd, path)  # noqa: PTH118
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(record, file, indent=1, sort_keys=True)
            file.write("\n")
    except OSError as error:
        raise UserError(f"the plan could not be saved to {path}: {error.strerror}") from error
    shell.err.write(f"saved to {path}; apply exactly this with: stackc apply {path}\n")


def _source(origin: str, folder: str) -> str:
    """Where a secret's bytes come from, with an absolute path."""
    import os

    kind, _, name = origin.partition(" ")
    return f"file {os.path.join(folder, name)}" if kind == "file" else origin  # noqa: PTH118
