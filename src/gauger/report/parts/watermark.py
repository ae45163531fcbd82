"""Shows whether students write the mark that a watermark left in what they learnt, beside text that cannot bear it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from gauger.report.blocks import Callout, HtmlTable, Section, TableCell
from gauger.report.document_view import Row, View
from gauger.report.wording import codes, count, fill, number, percent, several

ABOUT = (
    "The defender's key says which tokens are green after which: half of them, in text that knows nothing of it. Texts "
    "were drawn from every model in answer to benchmark items, at temperature 1, and all replicates of an arm are "
    "tested together. Each different pair of neighbouring tokens counts once, so that phrases that are repeated count "
    "no draw twice, and the p-value is exact."
)
FAMILY = (
    "p-values are adjusted over all {tests} together (Holm): {level} is the chance that any text without the mark is "
    "called marked."
)
FALSE = "Text that cannot bear the mark was called marked"
FALSE_WHY = "Then the finding for students says nothing either: the texts share more with the key than chance."
SILENT = "The mark is not found in the teacher's own text"
SILENT_WHY = "What was not found in a student may then be the fault of the mark, or of too little text."
BESIDE = "<code>{name}</code>, which cannot bear the mark: {outcome}"
OF = {"student": "learnt marked text", "control": "cannot bear it", "teacher": "the marked text itself"}


def build(view: View) -> Section | None:
    """Return the chapter, or None where nobody learnt marked text."""
    entries = view.rows("marks")
    if not entries:
        return None
    made = [entry for entry in entries if entry["p_holm"] is not None]
    family = FAMILY.format(tests=several(len(made), "test"), level=percent(entries[0]["level"]))
    return Section(
        "watermark",
        "Is the watermark found in what students write?",
        [*_findings(entries), ABOUT, *([family] if made else [])],
        callouts=_doubts(entries),
        summary=_table(entries),
        short="Watermark in students",
    )


def _findings(entries: Sequence[Row]) -> list[Markup]:
    """Say one sentence per student, with the text that its own is held against."""
    tested = [entry for entry in entries if entry["of"] == "control"]
    return [
        fill(
            "<code>{arm}</code>: {outcome}. Beside it {controls}.",
            arm=entry["arm"],
            outcome=_outcome(entry),
            controls=_beside([_test_of(name, entry.get("mark"), tested) for name in entry["controls"]]),
        )
        for entry in entries
        if entry["of"] == "student"
    ]


def _test_of(arm: str, mark: str | None, tested: Sequence[Row]) -> Row:
    """Return the test of a control's text for a mark; where defences leave the same mark it was looked for once."""
    own = [entry for entry in tested if entry["arm"] == arm]
    return next((entry for entry in own if entry.get("mark") == mark), own[0])


def _beside(controls: Sequence[Row]) -> Markup | str:
    parts = [fill(BESIDE, name=entry["arm"], outcome=_outcome(entry)) for entry in controls]
    return Markup("; ").join(parts) if parts else "stands no text that cannot bear the mark"


def _outcome(entry: Row) -> str:
    if entry["marked"] is None:
        return f"not tested ({entry['reason']})"
    word = "the mark is found" if entry["marked"] else "no mark is found"
    pairs = f"{percent(entry['share_green'], 1)} of {several(entry['pairs'], 'pair')} green"
    return f"{word} ({pairs}, p {p_words(entry['p_holm'])})"


def p_words(p: float | None) -> str:
    """Return a p-value in words that never say 0."""
    if p is None:
        return "–"
    return "< 0.0001" if p < 0.0001 else f"= {number(p, 4)}"


def _doubts(entries: Sequence[Row]) -> list[Callout]:
    """Say what the tests on other text leave in doubt."""
    false = [entry["arm"] for entry in entries if entry["of"] == "control" and entry["marked"]]
    silent = [entry["arm"] for entry in entries if entry["of"] == "teacher" and not entry["marked"]]
    doubts = [Callout("bad", FALSE, [codes(false), FALSE_WHY])] if false else []
    return doubts + ([Callout("warn", SILENT, [codes(silent), SILENT_WHY])] if silent else [])


def _table(entries: Sequence[Row]) -> HtmlTable:
    """Return one row per test; what was found stands first, where a narrow screen shows it."""
    at = f"Marked at {percent(entries[0]['level'])}"
    columns = ("Arm", "Its text", at, "Green", "Different pairs", "p, adjusted", "p", "Tokens", "Texts")
    body: list[list[TableCell | str]] = [
        [
            TableCell(entry["arm"], kind="code"),
            OF[entry["of"]],
            _marked(entry),
            _share(entry["share_green"]),
            TableCell(count(entry["pairs"]), sort=entry["pairs"]),
            *(TableCell(p_words(entry[name]).removeprefix("= "), sort=entry[name]) for name in ("p_holm", "p_value")),
            *(TableCell(count(entry[name]), sort=entry[name]) for name in ("tokens", "texts")),
        ]
        for entry in entries
    ]
    caption = "Tests for the mark: students, text that cannot bear it, and the teacher's own"
    return HtmlTable(columns, body, caption, numeric=frozenset(range(3, 9)))


def _share(share: float | None) -> TableCell:
    return TableCell("–" if share is None else percent(share, 1), sort=share)


def _marked(entry: Row) -> TableCell:
    if entry["marked"] is None:
        return TableCell(entry["reason"], kind="undefined")
    word = "yes" if entry["marked"] else "no"
    if entry["of"] == "student":
        return TableCell(word)
    as_wanted = entry["marked"] == (entry["of"] == "teacher")
    return TableCell(word, kind="good" if as_wanted else "bad")
