"""Names the paths of a run directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunDirectory:
    """Where everything stands that a run leaves behind; making one touches no file."""

    root: Path

    @property
    def study(self) -> Path:
        """The study with every default and control filled in."""
        return self.root / "study.resolved.json"

    @property
    def frozen(self) -> Path:
        """Verdict rule, contrasts and thresholds as they stood when the run began."""
        return self.root / "frozen.json"

    @property
    def starts(self) -> Path:
        """The log of starts, chained by hashes: what was run, and which results were there then."""
        return self.root / "starts.jsonl"

    @property
    def manifest(self) -> Path:
        """Size and SHA-256 of every file that the finished run left."""
        return self.root / "manifest.json"

    @property
    def records(self) -> Path:
        """One row per arm, replicate, item and sample."""
        return self.root / "records.parquet"

    @property
    def ledger(self) -> Path:
        """One row per corpus and sample that was asked for."""
        return self.root / "ledger.parquet"

    @property
    def corpora(self) -> Path:
        """Which arm's replicate used which corpus in which stage; runs of earlier versions have none."""
        return self.root / "corpora.parquet"

    @property
    def estimates(self) -> Path:
        """Everything the report says, schema `gauger.estimates/2`."""
        return self.root / "estimates.json"

    @property
    def report(self) -> Path:
        """The report, one HTML file."""
        return self.root / "report.html"

    @property
    def figures(self) -> Path:
        """The report's figures as SVG and PNG."""
        return self.root / "figures"

    @property
    def jobs(self) -> Path:
        """Results of jobs by content address, with the plan, failures, logs and lock of the run."""
        return self.root / "jobs"
