"""Measures what a teacher adds to a student, apart from what it would have gained anyway.

__main__.py  Runs ``python -m gauger``: the same as ``gauger``
api/         Does what the commands do, for Python: a function per question, a typed result that tells, draws and
             reports
audit/       Looks for benchmark items in corpora, and measures on every run how often it errs
cli/         Runs the command line: one command per file, results on standard output, everything else on standard
             error
elicit/      Makes corpora of teachers' replies: what was asked, what was answered, and where every sample comes from
errors.py    Sorts errors by who made the mistake, and says what they can do about it
estimate/    Estimates every reported number of a study: from records to estimates, verdict and assay checks
evidence/    Pools the published literature on distillation: one table, cleaned by stated rules, fitted again at
             every call
execute/     Runs jobs somewhere and keeps their results; knows no model, no world and no study
forecast/    Forecasts what a scenario would give, from the published literature, and decides under stated losses
jobs/        Does one job: typed parameters and input directories in, files out
measure/     Makes records from models, and from evaluation logs that exist
plugs.py     Finds parts by name: our own from a table, those of other packages through entry points, imported when
             first used
records/     Defines the frozen types that cross rooms: records, estimates, and the document a report is made of
report/      Draws the report: a document in, one self-contained HTML page out, with its figures also as SVG and PNG
spec/        Defines the study file: its schema, loading with line-numbered errors, controls, fingerprint, frozen rule
stats/       Turns arrays into numbers: the estimation engine. No files, no records, no study; imports only errors
store/       Keeps a run directory: what stands where, written whole or not at all
study/       Turns a study file into a plan of jobs, and their results into a document
train/       Trains models on corpora: one set of losses, rows and stages for every engine
worlds/      Makes worlds: where facts, skills, texts and benchmarks come from

The functions of `FUNCTIONS` are the public Python API (docs/api.md). Each is imported when it is first used, so that
``import gauger`` costs nothing. Some rooms bear the name of a function (`gauger.evidence`): such a room can be called.
"""

import sys

FUNCTIONS = {
    "compare": "gauger.api",
    "compare_runs": "gauger.api",
    "meta": "gauger.api",
    "fit": "gauger.api",
    "evidence": "gauger.api",
    "audit": "gauger.api",
    "forecast": "gauger.api",
    "run": "gauger.api",
    "load_run": "gauger.api",
}
"""Functions of the public API -> the door behind which each stands; `__init__.pyi` tells their types."""

__all__ = list(FUNCTIONS)


# Neither `typing` nor `types` is imported: they would make up half the time of `import gauger`.
_Module: type = type(sys)


def _function(name: str) -> object:
    from importlib import import_module

    return getattr(import_module(FUNCTIONS[name]), name)


def __getattr__(name: str) -> object:
    if name not in FUNCTIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module
    from importlib.util import find_spec

    # A room of this name is the function from the first use on: it would take its place when it is imported.
    return import_module(f"{__name__}.{name}") if find_spec(f"{__name__}.{name}") else _function(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *FUNCTIONS})


class _CallableRoom(_Module):
    """A room that bears the name of a function of the API: it is the module, and calling it calls the function."""

    def __call__(self, *arguments: object, **named: object) -> object:
        return _function(self.__name__.rpartition(".")[2])(*arguments, **named)

    @property
    def __signature__(self) -> object:
        from inspect import signature

        return signature(_function(self.__name__.rpartition(".")[2]))


class _Package(_Module):
    """The package itself: importing a room sets it here as an attribute, which must not take a function's place."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in FUNCTIONS and isinstance(value, _Module):
            value.__class__ = _CallableRoom
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
