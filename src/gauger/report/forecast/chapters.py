"""Writes the chapters of both pages, from the answer to the back-test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gauger.report.blocks import Callout, Figure, FigurePanel, HtmlTable, Key, Section, TableCell
from gauger.report.forecast import figures as draw
from gauger.report.palette import INK
from gauger.report.wording import count, number, percent, probability

OUTCOME_KEYS = [Key(name, "bar", colour) for name, colour in draw.OUTCOMES]
ACTION_WORDS = {"accept": "accept", "matched": "defend lightly", "aggressive": "defend aggressively"}


def answer(document: Mapping[str, Any]) -> Section:
    """The sentence, and one probability bar per role, alternative and dose."""
    predictions = document["predictions"]
    mine = [
        prediction for prediction in predictions if prediction["role"] == document["scenario"]["decide_on"]
    ] or predictions
    chart, height = draw.probability_bars(mine, role=False)
    low, high = mine[0]["minor"], mine[0]["major"]
    figure = Figure(
        "answer",
        f"How likely is a minor or a major uplift on {mine[0]['role']} benchmarks?",
        f"Minor is below {low:g} points, major is {high:g} points or more. The bar is for the true effect in one "
        "new study "
        "like this: it holds what studies differ by, not only how well their mean is known. A grey bar cannot be said.",
        [FigurePanel(chart, "", height, "Probabilities of minor, between and major", labelled=False)],
        predictions_table(mine),
        OUTCOME_KEYS,
    )
    return Section(
        "answer",
        "The answer",
        template="forecast/answer.html.j2",
        data={"sentence": document["sentence"], "more": document["decision"]["sentence"]},
        figures=[figure],
    )


def elsewhere(document: Mapping[str, Any]) -> Section | None:
    """The other roles."""
    rest = [
        prediction for prediction in document["predictions"] if prediction["role"] != document["scenario"]["decide_on"]
    ]
    if not rest:
        return None
    chart, height = draw.probability_bars(rest)
    figure = Figure(
        "elsewhere",
        "The other kinds of benchmark",
        "Targeted: the training aims at the benchmark, so part of a gain may be the benchmark's own. "
        "Held-out: another skill.",
        [FigurePanel(chart, "", height, "Probabilities on the other roles", labelled=False)],
        predictions_table(rest),
        OUTCOME_KEYS,
    )
    return Section("elsewhere", "On what it aims at, and elsewhere", figures=[figure], short="Other benchmarks")


def predictions_table(predictions: Sequence[Mapping[str, Any]]) -> HtmlTable:
    """Tabulate predictions; a refusal carries its reason."""
    rows: list[Sequence[TableCell | str]] = []
    for prediction in predictions:
        head = [prediction["role"], draw.CONTROLS[prediction["control"]], count(prediction["exchanges"])]
        if prediction["answer"] == "yes":
            shares = [probability(prediction[f"probability_{name}"]) for name in ("minor", "between", "major")]
            ends = f"{number(prediction['low'])} to {number(prediction['high'])}"
            mean = f"{number(prediction['mean_low'])} to {number(prediction['mean_high'])}"
            rows.append([*head, number(prediction["mean"], signed=True), ends, mean, *shares, ""])
        else:
            rows.append(
                [
                    *head,
                    TableCell("cannot say", prediction["reason"], "undefined"),
                    "",
                    "",
                    "",
                    "",
                    "",
                    f"{prediction['reason']}; {prediction['nearest']}",
                ]
            )
    columns = (
        "Role",
        "Over",
        "Exchanges",
        "Expected",
        "95 % of new studies",
        "95 % of the mean",
        "Minor",
        "Between",
        "Major",
        "",
    )
    return HtmlTable(columns, rows, numeric=frozenset({2, 3, 4, 5, 6, 7, 8}))


def decision(document: Mapping[str, Any]) -> Section:
    """The best action, and the plane of losses on which it is best."""
    decided = document["decision"]
    if decided["best"] is None:
        return Section("decision", "What to do", [decided["sentence"]], short="Decision")
    losses, defences = document["scenario"]["losses"], document["scenario"]["defences"]
    unit = defences["matched"]["honest_cost"] or 1.0
    burden, stake = defences["aggressive"]["honest_cost"] / unit, losses["major"] / unit
    rows = [
        [ACTION_WORDS[name], number(value, 2), "best" if name == decided["best"] else ""]
        for name, value in decided["expected_loss"].items()
    ]
    table = HtmlTable(("Action", "Expected loss", ""), rows, numeric=frozenset({1}))
    figure = Figure(
        "regions",
        "Which choice is best depends on what is at stake",
        "Every square is one set of values: up, a missed major uplift costs more; right, the aggressive defence costs "
        "honest "
        "users more. Both in units of what a light defence costs them. The cross is the scenario's own.",
        [FigurePanel(draw.decision_regions(decided, burden, stake), "", 360, "Best action by losses", labelled=False)],
        table,
        [Key(ACTION_WORDS[name], "square", colour) for name, colour in draw.ACTION_COLOURS.items()]
        + [Key("the scenario", "cross", INK)],
    )
    by_control = "; ".join(
        f"{draw.CONTROLS[alternative['control']]}: {ACTION_WORDS[alternative['best']]}"
        for alternative in decided["by_control"]
    )
    lead = [decided["sentence"], f"Taken by itself, each alternative would say: {by_control}."]
    return Section("decision", "What to do", lead, [figure], summary=table, short="Decision")


def settling(document: Mapping[str, Any]) -> Section | None:
    """The experiments by what they are worth, and the best one's study file."""
    decided = document["decision"]
    if not decided["experiments"]:
        return None
    rows = [
        [
            experiment["what"],
            number(experiment["value"], 3),
            "–" if experiment["share"] is None else percent(experiment["share"]),
            f"{experiment['flops']:.1e}",
            count(round(experiment["usd"])),
            "chosen" if experiment["name"] == decided["settles"] else "",
        ]
        for experiment in decided["experiments"]
    ]
    table = HtmlTable(
        ("Experiment", "Loss saved", "of perfect knowledge", "FLOPs", "Dollars", ""),
        rows,
        numeric=frozenset({1, 2, 3, 4}),
    )
    lead = [
        f"Knowing the true uplift before choosing would save {number(decided['worth_of_perfect_knowledge'], 2)} "
        "of expected loss. "
        "An experiment saves a part of that; prices are stated round ones.",
        "The chosen one is the cheapest among those that save nine tenths of the most."
        if decided["settles"]
        else "No experiment would change the choice: it is the same whatever they find.",
    ]
    return Section(
        "settle",
        "What would settle it",
        lead,
        summary=table,
        template="forecast/study.html.j2",
        data={"study": decided["study"]},
    )


def context(document: Mapping[str, Any]) -> Section:
    """Beside other methods; months and compute."""
    shares = []
    for share in document["context"]["shares"]:
        if share["answer"] == "yes":
            shown = f"{percent(share['share'])} ({percent(share['low'])} to {percent(share['high'])})"
            shares.append(
                [
                    share["role"],
                    number(share["gain"], signed=True),
                    number(share["uplift"], signed=True),
                    shown,
                    str(share["studies"]),
                ]
            )
        else:
            shares.append(
                [share["role"], "", "", TableCell("cannot say", share["reason"], "undefined"), str(share["studies"])]
            )
    first = HtmlTable(
        ("Role", "Gain over the start", "of it over RL", "Share (95 %)", "Studies"),
        shares,
        "What comes on top of reinforcement learning, where studies print one model over both",
        numeric=frozenset({1, 2, 3, 4}),
    )
    lines = []
    for equivalent in document["equivalents"]:
        what = "months of progress" if equivalent["kind"] == "months" else "times the training compute"
        if equivalent["value"] is None:
            value: TableCell | str = TableCell("cannot say", equivalent["reason"], "undefined")
        else:
            high = "open" if equivalent["high"] is None else f"{equivalent['high']:.3g}"
            value = f"{equivalent['value']:.2g} ({equivalent['low']:.2g} to {high})"
        lines.append([what, equivalent["benchmark"], value, equivalent["warning"]])
    second = HtmlTable(
        ("Expressed as", "On the scale of", "Value (95 %)", "Warning"), lines, "Equivalents", numeric=frozenset({2})
    )
    tables = [first, second] if lines else [first]
    return Section(
        "context",
        "Beside other methods, and in months",
        [document["context"]["earlier_stage"]],
        tables=tables,
        short="In context",
    )


def trust(document: Mapping[str, Any]) -> Section:
    """What the back-test says, and every distance."""
    first, *distances = document["warnings"]
    callouts = [Callout("info", "How such forecasts did on studies that they had not seen", [first])]
    if distances:
        callouts.append(Callout("warn", "The scenario lies outside what three studies reach", distances))
    lead = [
        f"The forecast rests on {count(document['literature']['rows'])} results of "
        f"{document['literature']['studies']} studies. "
        "Each result is a published one with its own risk of bias; what was not published is not in it."
    ]
    return Section("trust", "How far to trust it", lead, callouts=callouts, short="Trust")
