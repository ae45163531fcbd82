"""``gauger verify DIR``: builds a finished run's estimates and report anew, and says what differs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli.output import JsonFlag, print_json, print_text
from gauger.errors import UserError

if TYPE_CHECKING:
    from gauger.study import VerifiedRun


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def verify(
    directory: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a finished run.")],
    registered: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="What gauger plan --register printed before the run.")
    ] = None,
    signers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Check manifest.json.sig by this allowed-signers file of SSH.")
    ] = None,
    signer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who must have signed, as the file of --signers names them.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check a run: build its estimates and its report anew from the results of its jobs, and compare every byte.

    Also checked are the manifest of all files, the chained log of starts, and the study. Exits with 0 where all is
    right, with 2 and what differs where not. A run whose author wrote all of it anew can only be told by a digest that
    was published before (--registered), or by a signature of manifest.json (--signers and --signer).
    """
    from gauger.report import drawn_differences
    from gauger.study import verify_run

    if (signers is None) != (signer is None):
        raise UserError("--signers and --signer together", "one of them")
    verified = verify_run(directory, registered)
    drawn = verified.drawn
    if drawn is not None:
        verified.check("report", lambda: drawn_differences(drawn, directory))
    if signers is not None and signer is not None:
        from gauger.cli.signature import signature_differences

        verified.check("signature", lambda: signature_differences(directory, signers, signer))
    if as_json:
        print_json(verified.to_dict())
    else:
        print_text("\n".join(lines(verified)))
    if not verified.right:
        raise typer.Exit(UserError.exit_code)


def lines(verified: VerifiedRun) -> list[str]:
    """Say what was found in lines."""
    texts = []
    for name, differences in verified.checks.items():
        texts.append(f"{name:<14} {'differs' if differences else 'right'}")
        texts += [f"  {difference}" for difference in differences]
    texts += [f"note: {note}" for note in verified.notes]
    judgement = "this run is not what was written when it ended"
    if verified.right:
        judgement = "this run is what it says"
    elif verified.differs_when_rebuilt_alone:
        judgement = "these estimates are not what this version of Gauger makes of the run's results"
    return [*texts, f"{verified.directory}: {judgement}"]
