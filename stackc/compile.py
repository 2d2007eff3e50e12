"""Files → StackPlan: the passes in their order. Pure: files come from a Reader, variables from an argument.

``compile_stack`` never raises for bad input; it returns every finding of one run, sorted by place.
"""

from __future__ import annotations

from posixpath import dirname, join, normpath

from stackc.assemble.canonical import canonical
from stackc.assemble.context import COMPOSE, STACK, Context, is_crowded, normal_name
from stackc.assemble.context import explain as explain_source
from stackc.assemble.interpolate import interpolate
from stackc.codes import found
from stackc.diagnostics import Diagnostic, Suppressed, has_errors
from stackc.hints import TYPE_CHECKING, NamedTuple, Sequence
from stackc.hints import Mapping as Variables
from stackc.parse import RECOVERED, Document, parse
from stackc.parse.nodes import Mapping, Scalar
from stackc.schema import Acceptor
from stackc.schema_file import schema_document
from stackc.source import Reader, SourceError

if TYPE_CHECKING:
    from stackc.plan import StackPlan

STDIN = "-"
STDIN_NAME = "<stdin>"
UNNAMED = "unnamed"
NEWEST = "3.13"
Dotenv = Sequence[tuple[str, bytes]]
VERSIONS = tuple(f"3.{minor}" for minor in range(14))


class Compiled(NamedTuple):
    """``plan`` is None if and only if there is an error. ``sources``: file to text, for carets. ``suppressed``: what
    comments in the files switch off; no part of ``diagnostics``."""

    plan: StackPlan | None
    diagnostics: list[Diagnostic]
    sources: dict[str, str]
    suppressed: tuple[Suppressed, ...] = ()


class Text(NamedTuple):
    """A file as it was read. ``path``: absolute; "" of stdin."""

    name: str
    path: str
    data: bytes


class Assembled(NamedTuple):
    """What ``assemble_files`` made: the canonical tree (None when a file could not be used) and its context.
    ``documents``: as they were read."""

    root: Mapping | None
    context: Context
    sources: dict[str, str]
    documents: list[Document]


def compile_stack(
    files: Sequence[str],
    reader: Reader,
    *,
    stack: str | None,
    environment: Variables[str, str],
    dialect: str | None = None,
    stdin: bytes | None = None,
    dotenv: Dotenv | None = None,
    profiles: Sequence[str] = (),
) -> Compiled:
    """Compile ``files`` (paths for ``reader``; ``-`` is ``stdin``), the later over the earlier ones.

    ``stack``: the stack's name; None takes ``name:`` of the file (Compose dialect). ``dialect``: stack, compose, or
    None to go by ``version:``. ``environment`` is all that interpolation may see. In the Compose dialect ``dotenv``
    (names and contents of env files; None reads ``.env`` beside the first file, where there is one) stands behind it,
    and ``profiles`` are those whose services are wanted.
    """
    return finished(
        check_stack(
            files,
            reader,
            stack=stack,
            environment=environment,
            dialect=dialect,
            stdin=stdin,
            dotenv=dotenv,
            profiles=profiles,
        ),
        stack,
    )


def finished(compiled: Compiled, stack: str | None) -> Compiled:
    """With the plan's digest; a plan must have a name."""
    if compiled.plan is None:
        return compiled
    if stack is None and compiled.plan.stack == UNNAMED:
        nameless = found("SC4010", "the stack has no name", None, hint="give it on the command line, or as `name:`")
        return compiled._replace(plan=None, diagnostics=[nameless, *compiled.diagnostics])
    from stackc.plan import with_digest

    return compiled._replace(plan=with_digest(compiled.plan))


def check_stack(
    files: Sequence[str],
    reader: Reader,
    *,
    stack: str | None,
    environment: Variables[str, str],
    dialect: str | None = None,
    stdin: bytes | None = None,
    dotenv: Dotenv | None = None,
    profiles: Sequence[str] = (),
) -> Compiled:
    """``compile_stack`` without the plan's digest: what ``stackc validate`` needs.

    ``stack`` may stay unknown here: the name then is the file's own, or ``UNNAMED``.
    """
    return checked(
        assemble_files(
            files,
            reader,
            stack=stack,
            environment=environment,
            dialect=dialect,
            stdin=stdin,
            dotenv=dotenv,
            profiles=profiles,
        ),
        stack,
    )


def checked(assembled: Assembled, stack: str | None) -> Compiled:
    """Semantic checks and the plan, without its digest."""
    from stackc.checks import settled

    root, context = assembled.root, assembled.context
    plan = None
    if root is not None:
        from stackc.checks import PLAN_CHECKS, TREE_CHECKS
        from stackc.lower import lower

        name = stack if stack is not None else own_name(root) or UNNAMED
        for tree_check in TREE_CHECKS:
            tree_check(root, name, context)
        plan = lower(name, root, context)
        for plan_check in PLAN_CHECKS:
            plan_check(plan, root, context)
    diagnostics, suppressed = settled(context, assembled.sources, complete=root is not None)
    return Compiled(None if has_errors(diagnostics) else plan, diagnostics, assembled.sources, suppressed)


def own_name(root: Mapping) -> str:
    """``name:`` of the file, as Compose normalises it: lower case, letters, digits, ``-`` and ``_``; "" without one."""
    node = root.get("name")
    return normal_name(str(node.value)) if isinstance(node, Scalar) and node.value is not None else ""


def assemble_files(
    files: Sequence[str],
    reader: Reader,
    *,
    environment: Variables[str, str],
    stack: str | None = None,
    dialect: str | None = None,
    stdin: bytes | None = None,
    dotenv: Dotenv | None = None,
    profiles: Sequence[str] = (),
) -> Assembled:
    """Read, parse, interpolate, check against the schema, canonicalise and merge. Every file is looked at, also
    after one that is broken."""
    findings: list[Diagnostic] = []
    sources: dict[str, str] = {}
    texts = [text for text in (_text(file, reader, stdin, findings, sources) for file in files) if text is not None]
    parsed: list[tuple[Text, Document]] = []
    for text in texts:
        document, faults = parse(text.name, text.data)
        findings.extend(faults)
        if document is not None:
            parsed.append((text, document))
    complete = len(parsed) == len(files) and not has_errors([one for one in findings if one.code not in RECOVERED])
    documents = [document for _, document in parsed]
    chosen = dialect or _dialect(documents, findings)
    version = _version(documents, findings) if chosen == STACK else ""
    context = Context(chosen, version, environment, reader, _folder(files, reader))
    context.findings.extend(findings)
    if chosen == STACK:
        root = _merged(documents, context)
    else:
        from stackc.assemble.project import Wanted, assemble

        root = assemble(parsed, context, sources, Wanted(stack, dotenv, tuple(profiles)))
    return Assembled(root if complete else None, context, sources, documents)


def _merged(documents: list[Document], context: Context) -> Mapping | None:
    """docker's way with several files: each is brought into canonical form, then they are merged."""
    root: Mapping | None = None
    for document in documents:
        _note_oddities(document, context)
        if is_crowded(document.root, context):
            return None
        tree = _canonical(document.root, context)
        if root is None:
            root = tree
        else:
            from stackc.assemble.merge import merge

            root = merge(root, tree, context)
    return root


def _canonical(tree: Mapping, context: Context) -> Mapping:
    tree = interpolate(tree, context)
    acceptor = Acceptor(schema_document(), context.dialect, context.version)
    if not acceptor.accepts(tree):
        from stackc.explain import explain

        tree = explain(tree, acceptor, context)
    return canonical(tree, context)


def _text(
    file: str, reader: Reader, stdin: bytes | None, findings: list[Diagnostic], sources: dict[str, str]
) -> Text | None:
    name = STDIN_NAME if file == STDIN else file
    if file == STDIN and stdin is not None:
        data = stdin
    else:
        try:
            data = reader.read(file)
        except SourceError as error:
            code, message = explain_source(error, file)
            findings.append(found(code, message, None))
            return None
    sources[name] = data.decode("utf-8", "replace").removeprefix("\ufeff")
    return Text(name, "" if file == STDIN else normpath(join(reader.root, file)), data)


def _folder(files: Sequence[str], reader: Reader) -> str:
    """The absolute folder of the first file that is no stdin; relative paths of all files start there."""
    first = next((file for file in files if file != STDIN), None)
    return normpath(join(reader.root, dirname(first))) if first is not None else normpath(reader.root)


def _dialect(documents: list[Document], findings: list[Diagnostic]) -> str:
    """A file with ``version:`` is a stack file. All files must be of one kind."""
    kinds = [STACK if "version" in document.root.entries else COMPOSE for document in documents]
    if not kinds:
        return COMPOSE
    for document, kind in zip(documents, kinds, strict=True):
        if kind != kinds[0]:
            message = (
                "this file has no `version:`, the first one has"
                if kind == COMPOSE
                else "this file has a `version:`, the first one has none"
            )
            findings.append(found("SC1103", message, document.root.start_span))
    return kinds[0]


def _version(documents: list[Document], findings: list[Diagnostic]) -> str:
    """The common version, normalised; the newest one where it is missing or wrong."""
    first = ""
    for document in documents:
        node = document.root.get("version")
        given = "" if node is None else node.value if isinstance(node, Scalar) else None
        if not isinstance(given, str):
            at = node.span if node is not None else None
            hint = f'write it in quotes: "{node.text}"' if isinstance(node, Scalar) else ""
            findings.append(found("SC1101", "`version` must be a string", at, path=("version",), hint=hint))
            continue
        version = NEWEST if given in ("", "3") else given
        if version not in VERSIONS:
            assert node is not None
            hint = f'write version: "{NEWEST}", or remove the line to use the Compose Specification'
            findings.append(
                found("SC1101", f"the file version `{given}` is not supported", node.span, path=("version",), hint=hint)
            )
            continue
        if first and node is not None and version != first:
            message = f"this file has version {version}, the first one {first}"
            findings.append(found("SC1102", message, node.span, path=("version",)))
        first = first or version
    return first or NEWEST


def _note_oddities(document: Document, context: Context) -> None:
    """Tags and further documents: docker ignores them, Compose would not; nobody should be surprised."""
    for tag, span in document.tags:
        if tag in ("!reset", "!override"):
            message = f"the tag `{tag}` is ignored: docker stack reads the value as if there were none"
            hint = "only the Compose Specification has it: files without `version:`"
            context.report("SC1018", message, span, hint=hint)
        else:
            context.report("SC1018", f"the tag `{tag}` is ignored", span)
    if document.more is not None:
        context.report("SC1019", "a second document starts here; docker reads the first one only", document.more)
