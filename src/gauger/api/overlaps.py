"""Looks for benchmark items in training texts (`gauger.audit`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gauger.api.result import Result

if TYPE_CHECKING:
    import polars as pl

    from gauger.elicit import Teacher
    from gauger.report import Figure

PathLike = Path | str
Named = PathLike | Sequence[PathLike] | Mapping[str | None, PathLike | Sequence[PathLike]]
"""One path, several, or name -> path(s)."""


class Audit(Result):
    """Which items of benchmarks stand in training texts: `estimates` are the shares touched, one row per benchmark."""

    rows_of = "benchmarks"

    @property
    def items(self) -> pl.DataFrame:
        """Every item and net: whether it is flagged, its score, and the number of documents."""
        import polars as pl

        names = ("benchmark", "item", "net", "flag", "score", "documents")
        return pl.DataFrame([{name: item[name] for name in names} for item in self._document["items"]])

    @property
    def rates(self) -> pl.DataFrame:
        """Recall and false alarms of every net and class, with their intervals."""
        from gauger.api.frames import frame_of

        return frame_of(self.to_dict()["nets"])

    @property
    def headline(self) -> str:
        """How much of each benchmark was touched."""
        rows = self._document["benchmarks"]
        return "; ".join(f"{row['benchmark']}: {row['flagged']} of {row['n_items']} items touched" for row in rows)

    def _drawn(self) -> Sequence[Figure]:
        from gauger.report import audit_figures

        return audit_figures(self._document)

    def report(self, path: Path | str) -> Path:
        """Write the page, to a file that ends in ``.html`` or as ``report.html`` in a directory; return its path."""
        from gauger.report import write_audit

        target = Path(path)
        return write_audit(self._document, target if target.suffix == ".html" else target / "report.html")


def audit(
    corpus: Named,
    against: Named,
    *,
    negatives: PathLike | Sequence[PathLike] = (),
    planted: int = 200,
    nets: Sequence[str] = (),
    rephraser: Teacher | None = None,
    workers: int | None = None,
    seed: int = 0,
) -> Audit:
    """Look for benchmark items in training texts, and measure on copies planted in them how often that errs.

    Parameters
    ----------
    corpus : path, paths or mapping of source to path(s)
        JSON Lines, Parquet, text, a folder of them, a corpus of ``gauger elicit`` or a run.
    against : path, paths or mapping of benchmark to path(s)
        Seeds, tables with a column prompt or question, lm-eval or Inspect logs.
    negatives : path or paths
        Items that are surely in no corpus: they measure false alarms beside the twins that are made.
    planted : int
        Copies planted of each class and benchmark.
    nets : sequence of str
        Nets beside the n-grams: "vectors" (rephrased items; needs ``gauger[audit]`` and takes its time).
    rephraser : Teacher, optional
        A model that rephrases up to 100 items of each benchmark, which are planted as a class of their own.
    workers : int, optional
        Processes; None: the machine's cores for large corpora, for which a script needs the usual
        ``if __name__ == "__main__"``.
    seed : int
        Seed of what is planted.

    Returns
    -------
    Audit

    Raises
    ------
    UserError
        Files that are not there or cannot be read, by name and line.
    """
    from gauger.audit import AuditQuestion, audit_corpora, audit_document

    sources: dict[str, list[Path]] = {}
    for name, path in _named(corpus):
        sources.setdefault(name or path.name, []).append(path)
    given = tuple(path for _, path in _named(negatives))
    question = AuditQuestion(sources, _named(against), given, planted, tuple(nets), rephraser, seed, workers)
    return Audit(audit_document(audit_corpora(question)))


def _named(given: Any) -> list[tuple[str | None, Path]]:
    if isinstance(given, Mapping):
        return [(name, path) for name, some in given.items() for _, path in _named(some)]
    return [(None, Path(path)) for path in ([given] if isinstance(given, (str, Path)) else given)]
