"""Reads the `pipelines` of a calibration design: planted factorials, each with what its ingredients add.

```yaml
pipelines:
  - name: two that do the same work
    names: [web, distil]
    teacher: [distil]
    dividends: {web: 0.1, distil: 0.1, "web:distil": -0.08}
    noise: {replicates: 3, items: 100}
```
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gauger.errors import InputError, UserError, nearest
from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.planted_pipeline import PlantedPipeline
from gauger.spec import YamlTree

_NUMBER = "a number", (int, float)
_WANTED: dict[str, tuple[str, tuple[type, ...]]] = {
    "name": ("text", (str,)),
    "dividends": ("a mapping from ingredients to numbers", (dict,)),
    "names": ("a list of names", (list,)),
    "teacher": ("a list of names", (list,)),
    "words": ("a list of defining words", (list,)),
    "sample": ("a whole number", (int,)),
    "fixed_base": ("true or false", (bool,)),
    "inherited": _NUMBER,
    "near_share": _NUMBER,
    "noise": ("a mapping of settings", (dict,)),
}
"""Fields of `planted_pipeline.PlantedPipeline`; `noise` holds those of `planted.Planted`."""

Path = tuple[str | int, ...]
Settings = Callable[[YamlTree, Path, object], dict[str, Any]]


def read_pipelines(tree: YamlTree, given: object, settings: Settings) -> tuple[PlantedPipeline, ...]:
    """Read the planted pipelines of a design.

    Parameters
    ----------
    tree : Tree
        The design file, for places in messages.
    given : object
        What stands under `pipelines`: should be a list of mappings.
    settings : callable
        Checks the noise of a pipeline as the settings of a cell are checked.

    Returns
    -------
    tuple of PlantedPipeline
        In the order of the file.

    Raises
    ------
    InputError
        Unknown key, wrong type, unknown ingredient, impossible score or a name that stands twice, with file, line and
        key.

    Notes
    -----
    Tested in tests/estimate/test_calibrate_pipelines.py.
    """
    if not isinstance(given, list):
        raise InputError("a list of pipelines", repr(given), tree.place(("pipelines",)))
    pipelines = [_pipeline(tree, ("pipelines", number), entry, settings) for number, entry in enumerate(given)]
    names = [pipeline.name for pipeline in pipelines]
    for number, name in enumerate(names):
        if name in names[:number]:
            place = tree.place(("pipelines", number))
            raise InputError("pipelines with different names", f"a second {name!r}", place)
    return tuple(pipelines)


def _pipeline(tree: YamlTree, path: Path, given: object, settings: Settings) -> PlantedPipeline:
    if not isinstance(given, dict):
        raise InputError("a mapping of settings", repr(given), tree.place(path))
    for key, value in given.items():
        _check(tree, (*path, key), key, value)
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    try:
        if "noise" in fields:
            fields["noise"] = Planted(**settings(tree, (*path, "noise"), fields["noise"]))
        return PlantedPipeline(**{"dividends": {}, **fields})
    except InputError:
        raise
    except UserError as error:
        raise InputError(error.wanted, error.given, tree.place(path), error.hint) from error


def _check(tree: YamlTree, path: Path, key: str, value: object) -> None:
    if key not in _WANTED:
        raise InputError("a known key of a pipeline", repr(key), tree.place(path), nearest(str(key), _WANTED))
    wanted, types = _WANTED[key]
    fits = isinstance(value, types) and (isinstance(value, bool) is (bool in types))
    if isinstance(value, list):
        fits = fits and all(isinstance(element, str) for element in value)
    if isinstance(value, dict) and key == "dividends":
        fits = all(isinstance(element, int | float) and not isinstance(element, bool) for element in value.values())
        fits = fits and all(isinstance(name, str) for name in value)
    if not fits:
        raise InputError(wanted, repr(value), tree.place(path))
