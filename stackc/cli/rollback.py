"""`stackc rollback STACK [REVISION]`: apply an earlier good revision again, with the same care as any apply."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from stackc.cli.engine import add_format, add_host, add_show_env, add_stack, engine
from stackc.cli.shell import Shell, UserError
from stackc.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.rollout.journal import Attempt, History


def add_arguments(parser: ArgumentParser) -> None:
    add_stack(parser)
    parser.add_argument("revision", metavar="REVISION", nargs="?", help="a number or commit of `stackc history`")
    add_host(parser)
    add_show_env(parser)
    add_format(parser)
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--timeout", type=float, default=600.0, metavar="SECONDS")
    parser.add_argument("--no-color", action="store_true")


def run(args: Namespace, shell: Shell) -> int:
    from reconciler.rollout import Revision, Settings, carry_out
    from reconciler.rollout.journal import read
    from reconciler.rollout.prepare import prepare_bound
    from stackc.cli.ask import confirmed
    from stackc.cli.progress import view
    from stackc.cli.verdict import tell
    from stackc.report import plan_diff

    def choose(history: History) -> Attempt:
        if args.revision:
            found = history.find(args.revision)
            if found is None or found.phase != "applied":
                raise UserError(
                    f"{args.revision!r} is no applied revision of {args.stack}; see `stackc history {args.stack}`"
                )
            return found
        good = [a for a in history.attempts if a.phase == "applied"]
        last = history.last
        if last is not None and last.open:  # a rollback whose process died is gone on with, not undone
            begun = [a for a in good if a.digest == last.digest and last.revision.message == _message(a)]
            if begun:
                return begun[-1]
        if last is not None and last.phase != "applied" and good:
            return good[-1]
        if len(good) < 2:
            raise UserError(f"stack {args.stack!r} has no earlier good revision to return to")
        return good[-2]

    with engine(args, shell, start=False) as client:
        target = choose(read(client, args.stack))
        prepared = prepare_bound(client, target.bound, Settings())
        if args.format == "text":
            shell.out.write(f"going back to revision {target.number}\n")
            shell.out.write(plan_diff.text(prepared.diff, client.manager(), env=args.show_env))
        if not prepared.diff.empty and not confirmed(args, shell):
            return 1
        with view(shell, args.format, colour=not args.no_color) as progress:
            settings = Settings(timeout=args.timeout, progress=progress)
            revision = Revision(commit=target.revision.commit, message=_message(target), author=target.revision.author)
            outcome = carry_out(client, prepared, revision, settings)
    return tell(outcome, args.stack, shell, args.format)


def _message(target: Attempt) -> str:
    return f"rollback to revision {target.number}"
