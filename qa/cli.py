"""The command line: `spanwise ask`, `serve`, `index`, `verify` and `mcp`; the only module that prints.

Everything heavy is imported inside the command that needs it, so that `--help` is instant.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from typer.exceptions import TyperException

from index.errors import AssistantError
from qa.cli_calibrate import app as calibration_commands
from qa.cli_evaluate import app as evaluation_commands
from qa.cli_options import CalibrationOption, DepthOption, RiskOption, ThresholdOption, settings_from
from qa.cli_text import answer_json, answer_text, safe
from qa.cli_train import app as training_commands
from qa.cli_verify import verdicts_json, verdicts_text, verify_file
from qa.config import Settings, read_keys, seed_article

if TYPE_CHECKING:
    from qa.assistant import Assistant

_PATIENCE = 0.3  # seconds before a bar is worth showing
_STEPS = {
    "load": "Reading documents",
    "chunk": "Cutting passages",
    "export": "Preparing the embedder, once",
    "embed": "Embedding passages",
    "store": "Writing the index",
}

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

DocumentOption = Annotated[
    list[Path] | None, typer.Option("--document", "-d", metavar="FILE", help="A document to ask; may be repeated.")
]
IndexOption = Annotated[Path | None, typer.Option("--index", metavar="DIR", help="A folder made by `spanwise index`.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        from qa import __version__

        print(f"spanwise {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
]


@app.callback(invoke_without_command=True)
def spanwise(context: typer.Context, version: VersionOption = False) -> None:  # noqa: ARG001 - its callback acts on it
    """Ask documents questions; answers are their own words, each with the place it stands."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What you want to know.")],
    document: DocumentOption = None,
    index: IndexOption = None,
    history: Annotated[
        list[str] | None,
        typer.Option("--history", metavar="TEXT", help="An earlier question of this conversation; oldest first."),
    ] = None,
    depth: DepthOption = None,
    threshold: ThresholdOption = None,
    risk: RiskOption = None,
    calibration: CalibrationOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show what decided, the passages and timings.")] = False,
) -> None:
    """Answer one question on the command line.

    Without --document or --index the article that comes with Spanwise is asked.
    """
    settings = settings_from(depth=depth, threshold=threshold, risk=risk, calibration=calibration)
    assistant = _open(document or [], index, settings)
    answer = assistant.ask(question, history or [])
    if json:
        print(answer_json(answer))
    else:
        console = Console(highlight=False)
        width = console.width if console.is_terminal else None
        with console.capture() as shown:  # a pipe that closed is for `main` to handle, not for rich
            console.print(answer_text(answer, assistant.documents, explain=explain, width=width), soft_wrap=True)
        print(shown.get(), end="")


@app.command()
def serve(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="The documents to ask.")] = None,
    index: IndexOption = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes a free one.")] = None,
    depth: DepthOption = None,
    threshold: ThresholdOption = None,
    risk: RiskOption = None,
    calibration: CalibrationOption = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="A site whose pages may ask and show the widget; may be repeated."),
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keys that let programs in, one a line.")
    ] = None,
    key: Annotated[
        bool | None,
        typer.Option("--key/--no-key", help="Whether programs need a key; as a rule where others can call."),
    ] = None,
    rate: Annotated[str | None, typer.Option(metavar="N/TIME", help="How often one caller may ask, or off.")] = None,
    root_path: Annotated[str | None, typer.Option(metavar="/PATH", help="The prefix that a proxy adds.")] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(metavar="IP", help="A proxy whose forwarded headers are believed; may be repeated."),
    ] = None,
) -> None:
    """Open the chat in a browser, and the API for programs.

    The address is printed when the first question can be asked. Without FILE or --index the article that comes with
    Spanwise is asked.
    """
    settings = settings_from(
        host=host, port=port, depth=depth, threshold=threshold, risk=risk, calibration=calibration,
        origins=_tuple(origin), api_keys=_keys(api_key_file),
        require_key=key, rate=rate, root_path=root_path, trusted_proxies=_tuple(trusted_proxy),
    )  # fmt: skip
    _one_source(files or [], index)
    from qa.web.server import serve as serve_chat

    def ready(address: str) -> None:
        print(f"Spanwise is ready: {address} (Ctrl+C stops it)", flush=True)

    serve_chat(lambda: _open(files or [], index, settings), settings, on_ready=ready)
    _leave_at_once()


def _leave_at_once() -> NoReturn:
    """Exit without waiting for threads: one still inside a model's native code makes an ordinary exit abort."""
    atexit._run_exitfuncs()  # what others left to be done at the end, such as deleting uploads, is done
    sys.stdout.flush()
    os._exit(0)


@app.command("index")
def build(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="The documents.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write.")],
) -> None:
    """Build an index folder, to ask it many times."""
    settings = settings_from()
    from index.build import build_index

    with _progress() as progress:
        made = build_index(files, out, embedder=settings.embedder, cache_dir=settings.cache_dir, progress=progress)
    documents, passages = len(made.documents), len(made.passages)
    print(f"{safe(str(out))}: {documents} document{'s' * (documents != 1)}, {passages} passage{'s' * (passages != 1)}")


@app.command("verify")
def check(
    receipt: Annotated[Path, typer.Argument(metavar="RECEIPT", help="Citations as JSON, or an answer with some.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The document they are said to be from.")],
    json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> None:
    """Check that a citation's words stand where it says, or say what changed.

    White space and markup are the only tolerance. The exit status is 0 where every citation is found, else 1.
    """
    verdicts = verify_file(receipt, file)
    print(verdicts_json(verdicts) if json else verdicts_text(verdicts))
    if any(verdict.status != "found" for _, verdict in verdicts):
        sys.stdout.flush()
        sys.exit(1)


@app.command()
def mcp(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="The documents to ask.")] = None,
    index: IndexOption = None,
    depth: DepthOption = None,
    threshold: ThresholdOption = None,
    risk: RiskOption = None,
    calibration: CalibrationOption = None,
) -> None:
    """Offer the assistant's tools to a model on standard input and output (Model Context Protocol).

    Without FILE or --index the article that comes with Spanwise is asked.
    """
    settings = settings_from(depth=depth, threshold=threshold, risk=risk, calibration=calibration)
    assistant = _open(files or [], index, settings)
    from qa.web.services import Services
    from qa.web.tools import serve_stdio

    serve_stdio(Services(assistant, settings))
    _leave_at_once()


app.add_typer(evaluation_commands)
app.add_typer(calibration_commands)
app.add_typer(training_commands)


def _tuple(given: list[str] | None) -> tuple[str, ...] | None:
    return tuple(given) if given else None


def _keys(file: Path | None) -> tuple[str, ...] | None:
    try:
        return None if file is None else read_keys(file)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _one_source(files: Sequence[Path], index: Path | None) -> None:
    if files and index is not None:
        raise typer.BadParameter("name documents or an index, not both: an index holds its documents")


def _open(files: Sequence[Path], index: Path | None, settings: Settings) -> Assistant:
    _one_source(files, index)
    from qa.assistant import Assistant

    if index is not None:
        return Assistant.from_index(index, settings=settings)
    with _progress() as progress:
        return Assistant.from_files(list(files) or [seed_article()], settings=settings, progress=progress)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar on standard error, shown only to a person and only once there is something to wait for."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)

        began = monotonic()

        def step(stage: str, done: int, total: int) -> None:
            late = monotonic() - began > _PATIENCE
            bar.update(task, description=_STEPS.get(stage, safe(stage)), completed=done, total=total, visible=late)

        yield step


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 with one line on standard error, 2 for a wrong command line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    command = typer.main.get_command(app)
    try:
        status = command.main(
            None if arguments is None else list(arguments), prog_name="spanwise", standalone_mode=False
        )
        sys.stdout.flush()
    except TyperException as error:
        _fail(f"{error.format_message()} (see spanwise --help)", status=error.exit_code)
    except AssistantError as error:
        _fail(str(error))
    except BrokenPipeError:  # the reader of our output left, as `head` does: nothing to tell, and no one to tell it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    except MemoryError:
        _fail("the memory of this machine is not enough: use smaller documents or a machine with more")
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped", status=130)
    except Exception as error:  # noqa: BLE001 - a mistake of ours, told in one line too, with the place to report
        *_, (frame, line) = traceback.walk_tb(error.__traceback__)
        place = f"{Path(frame.f_code.co_filename).name}, line {line}"
        _fail(f"a mistake in Spanwise ({type(error).__name__} in {place}): please report it; {str(error)[:200]}")
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, *, status: int = 1) -> NoReturn:
    print(f"spanwise: {safe(message)}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
