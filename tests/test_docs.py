"""The documentation speaks of the code as it is: commands parse, studies load, links and paths lead somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from gauger.cli.application import build, main
from gauger.errors import StudyError
from gauger.estimate.estimands import REGISTRY
from gauger.records import ArmKind, Outcome, Reason, Role
from gauger.spec import AtlasWorld, TextSource, expand_arms, load_study
from gauger.spec.stages.base import STRATEGY_OF_SEEDS
from gauger.spec.stages.registry import STAGES
from gauger.study.load import open_study
from gauger.worlds.atlas.forms import FORMS
from gauger.worlds.atlas.world import Atlas

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("validation/*/README.md"))]
GENERATED = "cli.md"
ROOMS = sorted(path.parent.name for path in (ROOT / "src/gauger").glob("*/__init__.py"))
KIB_OF_IMAGE = 400


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def fences(text: str, *languages: str) -> Iterator[str]:
    """Yield the contents of fenced blocks in one of the languages ("" is none)."""
    for language, body in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        if language in languages:
            yield body


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


# --- commands -------------------------------------------------------------------------------------------------------


def command_lines(text: str) -> list[str]:
    joined = "\n".join(fences(text, "", "console", "sh")).replace("\\\n", " ")
    return re.findall(r"^(?:\$ )?(gauger .*)$", joined, re.M)


@cache
def application() -> Any:
    return get_command(build())


def leaf(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command that the words begin with, and the words after it."""
    command: Any = application()
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    return command, words


def parse(line: str) -> None:
    """Parse a command line as the program would; nothing runs."""
    command, rest = leaf(shlex.split(line, comments=True)[1:])
    if command is application() or (getattr(command, "commands", {}) and rest and not rest[0].startswith("-")):
        raise ValueError(f"no such command: {line}")
    if command.params and not getattr(command, "commands", {}):
        command.make_context(line, rest)


COMMANDS = [(page.name, line) for page in PAGES if page.name != GENERATED for line in command_lines(text_of(page))]


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_every_command_line_parses(page, line):
    parse(line)


def test_a_wrong_command_line_would_be_noticed():
    wrong = (
        "gauger rum x.yaml",
        "gauger run x.yaml --wrokers 2",
        "gauger run",
        "gauger status a b",
        "gauger evidence ad",
    )
    for line in wrong:
        with pytest.raises(Exception, match=r"(?i)no such|missing|unexpected|got"):
            parse(line)
    assert len(COMMANDS) > 20


def test_commands_named_in_prose_exist_with_their_options():
    for page in PAGES:
        for line in re.findall(r"`(gauger [^`]+)`", prose(text_of(page))):
            words = re.sub(r"[\[\]|]", " ", line).split()[1:]
            command, rest = leaf(words)
            assert command is not application() or words[0].isupper() or words[0] == "--help", f"{page.name}: {line}"
            known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
            members = getattr(command, "commands", {}).values()
            known |= {name for inner in members for param in inner.params for name in param.opts}
            assert {word for word in rest if word.startswith("--")} <= known, f"{page.name}: {line}"


# --- studies --------------------------------------------------------------------------------------------------------


def load(text: str, directory: Path, name: str = "study.yaml") -> Any:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return open_study(path)


def top_level(text: str) -> list[tuple[str, str]]:
    """Split YAML into its top-level keys, each with its own text."""
    parts = re.split(r"^(?=\w+:)", text, flags=re.M)
    return [(part.partition(":")[0], part) for part in parts if re.match(r"\w+:", part)]


YAML_BLOCKS = [(page.name, block) for page in PAGES for block in fences(text_of(page), "yaml")]


@pytest.mark.parametrize(("page", "block"), YAML_BLOCKS)
def test_every_study_loads(page, block, tmp_path):
    """Fragments are tried as part of the quickstart."""
    sections = dict(top_level(block))
    if "study" not in sections:
        block = "".join((dict(top_level(text_of(ROOT / "studies/quickstart.yaml"))) | sections).values())
    assert load(block, tmp_path).study.arms


def test_the_mistakes_of_the_tutorial_are_said_as_it_says(tmp_path):
    tutorial = text_of(ROOT / "docs/tutorial.md")
    said = re.findall(r"^(whose-questions\.yaml:\d+: .*)$", tutorial, re.M)
    (example,) = fences(text_of(ROOT / "README.md"), "yaml")
    broken = example.replace("middle-cloze: {role: far}", "middle-cloze: {role: fra}")
    broken = broken.replace("strategy: label", "strategy: lable", 1)
    with pytest.raises(StudyError) as caught:
        load(broken, tmp_path, "whose-questions.yaml")
    assert [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems] == said


def test_the_readme_counts_the_quickstart_right():
    study = load_study(ROOT / "studies/quickstart.yaml").study
    assert f"({len(expand_arms(study))} arms, {study.replicates} replicates each)" in " ".join(
        text_of(ROOT / "README.md").split()
    )


NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def test_the_tutorial_counts_the_quickstart_right():
    study = load_study(ROOT / "studies/quickstart.yaml").study
    arms = expand_arms(study)
    taught = [arm for arm in arms if arm.kind is ArmKind.DISTILLED]
    controls = [arm for arm in arms if arm.kind not in (ArmKind.DISTILLED, ArmKind.BASE)]
    said = " ".join(text_of(ROOT / "docs/tutorial.md").split())
    assert f"{NUMBERS[len(taught)].capitalize()} arms then learned from the teacher" in said
    assert f"and {NUMBERS[len(controls)]} control arms learned without it" in said
    assert f"trained {NUMBERS[study.replicates]} times from other seeds" in said
    assert f"every item of {NUMBERS[len(study.benchmarks)]} benchmarks" in said


QUICK = ("gauger compare --example", "gauger plan studies/quickstart.yaml")
"""Beginnings of the commands that need no more than seconds, nor what an earlier one has left."""


def test_quick_commands_do_what_the_pages_say(tmp_path, monkeypatch, capsys):
    """As printed, in a folder that holds the studies; the tests of every command type the others."""
    lines = dict.fromkeys(line for _, line in COMMANDS if line.startswith(QUICK))
    assert len(lines) >= 2
    (tmp_path / "studies").symlink_to(ROOT / "studies")
    monkeypatch.chdir(tmp_path)
    for line in lines:
        assert main(shlex.split(line, comments=True)[1:]) == 0, line
        assert capsys.readouterr().out
    assert (tmp_path / "comparison" / "report.html").exists()


SMALL = (
    "replicates=1",
    "world={kind: atlas, entities: 16, genera: 4, relations: 6, values: 4, held_out_facts: 1, letters: 8,"
    " letter_sets: 60, test_contents: 10, benchmark_items: 20}",
    "teacher={model: {width: 16, layers: 1, heads: 2}, training: {steps: 300, batch: 32, learning_rate: 0.01}}",
    "student={model: {width: 16, layers: 1, heads: 2}, training: {steps: 100, batch: 32, learning_rate: 0.01}}",
    "arms.asked.stages.0.steps=4", "arms.asked.stages.0.samples=40",
    "arms.writing.stages.0.steps=4", "arms.writing.stages.0.samples=40",
)  # fmt: skip
"""Makes the README's study end in seconds; validation/own_study runs it as it is printed."""


def test_the_readme_s_own_study_runs_by_the_commands_it_prints(tmp_path, monkeypatch, capsys):
    page = text_of(ROOT / "README.md")
    (example,) = fences(page, "yaml")
    lines = [line for line in command_lines(page) if "whose-questions" in line]
    assert [line.split()[1] for line in lines] == ["plan", "run"]
    (tmp_path / "whose-questions.yaml").write_text(example)
    monkeypatch.chdir(tmp_path)
    small = [part for change in SMALL for part in ("--set", change)]
    for line in lines:
        assert main([*shlex.split(line)[1:], *small]) == 0, line
    said = capsys.readouterr().out
    assert "Report: runs/whose-questions/report.html" in said
    assert "A made-up world" in said
    assert (tmp_path / "runs" / "whose-questions" / "report.html").exists()


# --- links and paths ------------------------------------------------------------------------------------------------


def slugs(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(text_of(page)), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.is_relative_to(ROOT), target
        assert linked.exists(), target
        assert not anchor or anchor in slugs(linked), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_named_exists(page):
    top = r"(?:tests|validation|studies|src|benchmarks|docs)/[\w./-]*"
    rooms = rf"(?:{'|'.join(ROOMS)})/[\w/]+\.py"
    for named in re.findall(rf"`({top}|{rooms})`", prose(text_of(page))):
        base = ROOT / "src/gauger" if re.fullmatch(rooms, named) else ROOT
        assert (base / named).exists(), named


def test_every_test_named_is_in_the_file_named_beside_it():
    """A promise with a test beside it: in a row of a table, a test belongs to the last file named before it."""
    rows = [line for line in text_of(ROOT / "docs/trust.md").splitlines() if "`test_" in line]
    assert rows
    for row in rows:
        file = ""
        for name in re.findall(r"`(tests/[\w/]+\.py|test_\w+)`", row):
            file = name if "/" in name else file
            assert "/" in name or f"def {name}(" in text_of(ROOT / file), (file, name)


def test_images_are_small():
    images = list((ROOT / "docs/images").iterdir())
    assert images
    for image in images:
        assert image.stat().st_size < KIB_OF_IMAGE * 1024, image.name


def test_every_page_can_be_reached_from_the_readme():
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)", text_of(ROOT / "README.md")))
    assert linked == {f"docs/{page.name}" for page in ROOT.glob("docs/*.md")}


def test_the_readme_maps_every_room():
    named = re.findall(r"^\| `(\w+)/` \|", text_of(ROOT / "README.md"), re.M)
    assert set(ROOMS) <= set(named)
    assert all((ROOT / name).is_dir() or name in ROOMS for name in named)


# --- words ----------------------------------------------------------------------------------------------------------


IN_FIRST_COLUMN = [f"`{word}`" for enum in (Role, Outcome, ArmKind) for word in enum] + [str(word) for word in Reason]
IN_CODE = [
    *REGISTRY,
    *STRATEGY_OF_SEEDS,
    *STRATEGY_OF_SEEDS.values(),
    *TextSource,
    *FORMS,
    *STAGES.own,
]
BOLD = [
    "study",
    "arm",
    "stage",
    "replicate",
    "item",
    "cluster",
    "benchmark",
    "role",
    "record",
    "surface",
    "corpus",
    "ledger",
    "world",
    "verdict",
    "uplift",
    "undefined",
]


@pytest.mark.parametrize("word", IN_FIRST_COLUMN)
def test_the_vocabulary_defines(word):
    assert re.search(rf"^\| {re.escape(word)} \| \S", text_of(ROOT / "docs/vocabulary.md"), re.M)


@pytest.mark.parametrize("word", IN_CODE)
def test_the_vocabulary_names(word):
    assert f"`{word}`" in text_of(ROOT / "docs/vocabulary.md")


@pytest.mark.parametrize("word", BOLD)
def test_the_vocabulary_has(word):
    assert re.search(rf"^\| \*\*{word}\*\* ", text_of(ROOT / "docs/vocabulary.md"), re.M)


@pytest.mark.parametrize("name", REGISTRY)
def test_methods_give_every_estimand(name):
    assert re.search(rf"^\| `{name}` \| .*\S", text_of(ROOT / "docs/methods.md"), re.M)


# --- the embedded world ---------------------------------------------------------------------------------------------


def test_the_world_page_describes_the_world_as_it_is_drawn():
    page, atlas = text_of(ROOT / "docs/world.md"), Atlas(AtlasWorld())
    assert f"{len(atlas.vocabulary)} whole words" in page
    with_steps = Atlas(AtlasWorld(total_sets=600))
    examples = re.findall(r"`([^`]+)` → `([^`]+)`", page)
    assert sum(prompt.startswith("ask total") for prompt, _ in examples) == 1
    assert len(examples) == 6
    for prompt, answer in examples:
        atlas = with_steps if prompt.startswith("ask total") else atlas
        assert atlas.true_answer(prompt, f" {answer}").split() == answer.split()
