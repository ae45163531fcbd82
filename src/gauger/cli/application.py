"""Builds the application from its commands, and says and returns what the process must when one of them stops.

1. A user's mistake: its message, no traceback, exit 2 (usage errors, and places that may not be written, too).
2. Any other error that Gauger raises on purpose: its message, and the error's own exit code (1, or 128 + signal).
3. Anything else is a fault of ours: traceback, a request to report it, exit 1.
4. A reader that closed the pipe (``gauger … | head``): silence, exit 141 as shells expect.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gauger.cli.output import printable
from gauger.errors import GaugerError, StudyError, UserError

COMMANDS: tuple[str, ...] = (
    "init",
    "validate",
    "plan",
    "run",
    "status",
    "runs",
    "report",
    "verify",
    "clean",
    "compare",
    "audit",
    "meta",
    "evidence",
    "forecast",
    "elicit",
    "fit",
    "calibrate",
)
"""Modules of this room that hold a command, in the order of ``gauger --help``; each has ``register(app)``.

A command module imports nothing heavy at its top (no torch, polars, altair, scipy): all of them are imported for any
command.
"""

SIGINT, SIGPIPE = 130, 141
UNUSABLE_PLACE = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG, errno.ELOOP}
    | {errno.ENOTDIR, errno.EISDIR}
)
"""System errors that say that a file or directory the user named cannot be used."""


class _PipeClosedError(GaugerError):
    """The reader of our output is gone."""

    exit_code = SIGPIPE


class _StoppedError(GaugerError):
    """Ctrl-C outside a run."""

    exit_code = SIGINT


@contextmanager
def _kept_apart() -> Iterator[None]:
    """Rename two events that Typer would turn into exit code 1, and escape what its usage errors repeat."""
    try:
        yield
    except BrokenPipeError as error:
        raise _PipeClosedError from error
    except KeyboardInterrupt as error:
        raise _StoppedError("stopped") from error
    except Exception as error:
        # A usage error repeats the words of the command line, which another program may have made.
        message = getattr(error, "message", None)
        if isinstance(message, str) and hasattr(error, "format_message"):
            vars(error)["message"] = printable(message)
        raise


class _Group(TyperGroup):
    """The application's root."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """Read the command line (``--help`` and ``--version`` print here)."""
        with _kept_apart():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _kept_apart():
            return super().invoke(ctx)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gauger {version('gauger')}")
        raise typer.Exit


def build() -> typer.Typer:
    """Make the application with all its commands."""
    app = typer.Typer(
        cls=_Group,
        name="gauger",
        help="Measure how much knowledge and capability a student model really gains from a teacher model's outputs.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def root(
        version: Annotated[
            bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
        ] = False,
    ) -> None:
        pass

    for name in COMMANDS:
        import_module(f"gauger.cli.{name}").register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; the process's own by default.
    """
    if sys.stdout is None:  # the shell's >&-
        return _say(UserError("standard output is closed", hint="Results would have nowhere to go."))
    try:
        return _run(arguments)
    except GaugerError as error:
        return _say(error)
    except KeyboardInterrupt:  # before or after the command itself
        return _say(_StoppedError("stopped"))
    except BrokenPipeError:
        return _say(_PipeClosedError())
    except OSError as error:
        if error.errno not in UNUSABLE_PLACE and not _was_named(
            error, sys.argv[1:] if arguments is None else arguments
        ):
            return _fault()
        if error.filename is None:
            _drop_output()
        print(printable(f"{error.filename or 'the output'}: {error.strerror}"), file=sys.stderr)
        return UserError.exit_code
    except Exception:  # noqa: BLE001 - the outermost boundary: our own faults are shown whole
        return _fault()


def _run(arguments: Sequence[str] | None) -> int:
    """Run a command and write out what it printed, also where it ends by an exit of its own as a help text does."""
    try:
        build()(args=arguments, prog_name="gauger")
    except SystemExit as stop:
        code = _exit_code(stop)
    else:
        code = 0
    sys.stdout.flush()
    return code


def _was_named(error: OSError, arguments: Sequence[str]) -> bool:
    """Tell whether a file that is not there, or is there already, lies at or below a path of the command line."""
    if error.errno not in (errno.ENOENT, errno.EEXIST) or not isinstance(error.filename, str):
        return False
    path = Path(error.filename)
    named = [Path(part) for argument in arguments for part in (argument, argument.rpartition("=")[2]) if part]
    return any(path == place or place in path.parents for place in named if place != Path())


def _fault() -> int:
    """Show the error being handled whole, and ask for a report."""
    traceback.print_exc()
    print("This is a fault in Gauger, not in what you gave it. Please report it with the lines above.", file=sys.stderr)
    return 1


def _exit_code(stop: SystemExit) -> int:
    if isinstance(stop.__context__, BrokenPipeError):  # Rich's way to leave when the reader of a help text is gone
        return SIGPIPE
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    print(stop.code, file=sys.stderr)
    return 1


def _drop_output() -> None:
    """Send what is still to be written to nowhere: else the interpreter tries again on exit, and ends in 120."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def _say(error: GaugerError) -> int:
    """Say an error in the way of its kind and return its exit code."""
    if isinstance(error, _PipeClosedError):
        _drop_output()
        return error.exit_code
    messages: Sequence[object] = error.problems if isinstance(error, StudyError) else [error]
    label = "" if isinstance(error, UserError) else "gauger: "
    for message in messages:
        print(printable(f"{label}{message}"), file=sys.stderr)
    return error.exit_code
