"""Names every kind of task, and lists the benchmarks that tasks offer; nothing is drawn for it."""

from __future__ import annotations

from gauger.plugs import Registry
from gauger.spec import LanguageWorld, Task
from gauger.worlds.items import Listed
from gauger.worlds.language.forms import FORMS
from gauger.worlds.language.sources import NEW, TEST

SOURCES = Registry(
    "a kind of task",
    "gauger.tasks",
    {
        "reasoning-gym": "gauger.worlds.language.gym:GymSource",
        "invented-facts": "gauger.worlds.language.invented:InventedSource",
        "jsonl": "gauger.worlds.language.json_lines:JsonLinesSource",
    },
)
"""Kind of task -> the class of its source (`sources.Source`)."""


def forms_of(task: Task) -> tuple[str, ...]:
    """Return the forms that a task can be asked in."""
    forms: tuple[str, ...] = SOURCES.load(task.kind).forms(task)
    return forms


def listed_in(settings: LanguageWorld) -> dict[str, Listed]:
    """Return every benchmark that a world offers, by name; nothing is drawn, and no other package is needed."""
    return {
        f"{name}-{form}{suffix}": Listed(name, form, split, f"{name} as {FORMS[form].told}, {contents} contents")
        for name, task in settings.tasks.items()
        for form in forms_of(task)
        for suffix, split, contents in (("", TEST, "test"), ("-new", NEW, "new"))
        if split == TEST or task.has_new
    }
