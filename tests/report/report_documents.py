"""Documents to draw reports of: a whole study with planted numbers, a comparison of logs, and a hostile one."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gauger.records import ArmInfo, AssayCheck, BenchmarkInfo, Document, Estimate, Failure, Reason, Verdict

BENCHMARKS: Mapping[str, tuple[str, str, str]] = {
    "fauna-quiz": ("targeted", "fauna", "quiz"),
    "sum-quiz": ("targeted", "sum", "quiz"),
    "fauna-quiz-new": ("parallel", "fauna", "quiz"),
    "sum-quiz-new": ("parallel", "sum", "quiz"),
    "fauna-cloze": ("near", "fauna", "cloze"),
    "sum-cloze": ("near", "sum", "cloze"),
    "minerals-cloze": ("far", "minerals", "cloze"),
    "sort-quiz": ("far", "sort", "quiz"),
    "max-quiz": ("far", "max", "quiz"),
}

# Mean scores by arm, in the order of BENCHMARKS; near what a rough run of the embedded world gave.
SCORES: Mapping[str, Sequence[float]] = {
    "base": (0.004, 0.031, 0.004, 0.029, 0.142, 0.061, 0.172, 0.661, 0.712),
    "teacher": (0.988, 0.664, 0.981, 0.661, 0.972, 0.689, 0.981, 0.931, 0.992),
    "matched": (0.021, 0.024, 0.019, 0.027, 0.218, 0.052, 0.248, 0.742, 0.744),
    "matched-forms": (0.026, 0.033, 0.024, 0.031, 0.241, 0.066, 0.251, 0.723, 0.731),
    "placebo": (0.006, 0.028, 0.005, 0.027, 0.121, 0.048, 0.149, 0.551, 0.633),
    "format": (0.052, 0.061, 0.049, 0.058, 0.219, 0.061, 0.249, 0.751, 0.752),
    "leak": (0.772, 0.713, 0.061, 0.112, 0.141, 0.098, 0.139, 0.341, 0.402),
    "reference": (0.412, 0.583, 0.388, 0.571, 0.392, 0.381, 0.289, 0.612, 0.688),
    "label": (0.131, 0.152, 0.093, 0.139, 0.228, 0.081, 0.171, 0.442, 0.521),
    "expand": (0.284, 0.471, 0.262, 0.452, 0.249, 0.131, 0.149, 0.311, 0.449),
    "seedless": (0.171, 0.262, 0.168, 0.259, 0.388, 0.281, 0.309, 0.352, 0.512),
    "logits": (0.302, 0.498, 0.281, 0.487, 0.268, 0.162, 0.161, 0.398, 0.487),
}

ARMS: Mapping[str, tuple[str, str, str | None]] = {
    "base": ("base", "The untouched student.", None),
    "teacher": ("teacher", "The teacher, asked the same questions.", None),
    "label": ("distilled", "Questions of the benchmarks' train splits, answered by the teacher.", "matched"),
    "expand": (
        "distilled",
        "Questions the teacher made up from benchmark seeds, quiz form, with its answers.",
        "matched",
    ),
    "seedless": ("distilled", "Questions the teacher made up without seeds, in both forms.", "matched-forms"),
    "logits": ("distilled", "As expand, but trained on the teacher's next-token probabilities.", "matched"),
    "matched": ("matched", "As many tokens and steps of web text in quiz form, no teacher.", None),
    "matched-forms": ("matched", "As many tokens and steps of web text in both forms, no teacher.", None),
    "placebo": ("placebo", "As expand, but the student's own base writes the answers.", None),
    "format": ("format", "Quiz-form questions with the right form of answer and no content.", None),
    "leak": ("leak", "Test items of the targeted benchmarks planted in the training text.", None),
    "reference": ("reference", "As expand, with true answers.", None),
}

DISTILLED = ("label", "expand", "seedless", "logits")
FIXED = ("base", "teacher")


@dataclass(frozen=True)
class Place:
    """What an estimate is about: one benchmark, or the average over a role."""

    members: Sequence[int]
    benchmark: str | None
    role: str
    over: str | None


def places() -> list[Place]:
    names = list(BENCHMARKS)
    single = [Place((position,), name, BENCHMARKS[name][0], None) for position, name in enumerate(names)]
    roles = dict.fromkeys(role for role, _, _ in BENCHMARKS.values())
    means = [
        Place([position for position, name in enumerate(names) if BENCHMARKS[name][0] == role], None, role, role)
        for role in roles
    ]
    return single + means


class Maker:
    """Builds estimates with intervals that are plausible, and the same at every call."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)

    def make(self, estimand: str, arm: str, control: str | None, place: Place, value: float, se: float) -> Estimate:
        df = 8.0 + self.random.randrange(12)
        return Estimate(
            estimand=estimand,
            arm=arm,
            control=control,
            benchmark=place.benchmark,
            role=place.role,
            over=place.over,
            value=value,
            se=se,
            df=df,
            low=value - 2.15 * se,
            high=value + 2.15 * se,
            simultaneous_low=value - 3.1 * se,
            simultaneous_high=value + 3.1 * se,
            n_items=200 * len(place.members),
            n_clusters=200 * len(place.members),
            n_replicates=1 if arm in FIXED else 4,
        )

    def se(self, place: Place) -> float:
        return (0.014 + 0.016 * self.random.random()) / len(place.members) ** 0.5


def mean(arm: str, place: Place) -> float:
    return sum(SCORES[arm][position] for position in place.members) / len(place.members)


def contrasts(maker: Maker) -> list[Estimate]:
    """Scores, gains, uplifts, and the parts of the gain, on every benchmark and over every role."""
    rows = [
        maker.make("score", arm, None, place, mean(arm, place), maker.se(place)) for arm in SCORES for place in places()
    ]
    matched = ("matched", "matched-forms")
    pairs = [("gain", arm, "base") for arm in SCORES if arm not in FIXED]
    pairs += [("uplift", arm, matched_of(arm)) for arm in SCORES if arm not in (*FIXED, *matched, "format")]
    pairs += [("format_effect", "format", "base"), *(("training_effect", arm, "format") for arm in matched)]
    for estimand, left, right in pairs:
        rows += [
            maker.make(estimand, left, right, place, mean(left, place) - mean(right, place), maker.se(place))
            for place in places()
        ]
    return rows


def matched_of(arm: str) -> str:
    return ARMS[arm][2] or "matched"


def undefined(estimand: str, arm: str, place: Place, reason: str, control: str | None = None) -> Estimate:
    return Estimate(estimand, arm, control, place.benchmark, place.role, place.over, reason=str(reason))


def ratios(maker: Maker) -> list[Estimate]:
    """Gap recovered and format share on every place; the others over roles."""
    rows: list[Estimate] = []
    over = {place.over: place for place in places() if place.over}
    for arm in (*DISTILLED, "leak", "reference"):
        rows += gaps(maker, arm)
        uplift = {role: mean(arm, place) - mean(matched_of(arm), place) for role, place in over.items()}
        for role in ("near", "far"):
            share = uplift[role] / uplift["targeted"]
            se = 0.09 if arm != "label" else 0.24
            rows.append(maker.make("carryover", arm, matched_of(arm), over[role], share, se))
        bound = 1 - uplift["near"] / uplift["targeted"]
        rows.append(maker.make("benchmark_bound_share", arm, matched_of(arm), over["near"], bound, 0.09))
    for arm in (*DISTILLED, "placebo", "format", "leak", "reference"):
        apart = [mean(arm, over[role]) - mean(matched_of(arm), over[role]) for role in ("targeted", "parallel")]
        rows.append(maker.make("memorisation", arm, matched_of(arm), over["targeted"], apart[0] - apart[1], 0.012))
    return [unbounded(row) if row.estimand == "carryover" and row.arm == "label" else row for row in rows]


def gaps(maker: Maker, arm: str) -> list[Estimate]:
    rows = []
    for place in places():
        gap = mean("teacher", place) - mean(matched_of(arm), place)
        value = (mean(arm, place) - mean(matched_of(arm), place)) / gap
        if place.benchmark == "max-quiz":
            rows.append(undefined("gap_recovered", arm, place, Reason.DENOMINATOR_UNCERTAIN, matched_of(arm)))
        else:
            rows.append(maker.make("gap_recovered", arm, matched_of(arm), place, value, 1.4 * maker.se(place) / gap))
        if arm not in DISTILLED:
            continue
        uplift = mean(arm, place) - mean(matched_of(arm), place)
        rows.append(maker.make("uplift_per_query", arm, matched_of(arm), place, uplift / 4096, 1e-5))
        gain, effect = (mean(left, place) - mean("base", place) for left in (arm, "format"))
        if gain > 0.03:
            rows.append(maker.make("format_share", arm, "base", place, effect / gain, 0.08))
        else:
            rows.append(undefined("format_share", arm, place, Reason.DENOMINATOR_UNCERTAIN, "base"))
    return rows


def unbounded(row: Estimate) -> Estimate:
    return replace(
        row, high=None, simultaneous_high=None, note="the interval has no upper end: the targeted uplift is uncertain"
    )


def study_document(outcome: str = "minor", *, post_hoc: bool = False) -> Document:
    """Return a study with every arm kind, every role and every part present."""
    maker = Maker()
    estimates = contrasts(maker) + ratios(maker)
    judged = next(row for row in estimates if (row.estimand, row.arm, row.over) == ("gap_recovered", "expand", "near"))
    return Document(
        study=STUDY,
        estimates=estimates,
        verdict=verdict(judged, outcome, post_hoc=post_hoc),
        assay=assay(outcome),
        arms=[arm_info(name) for name in ARMS],
        benchmarks=[
            BenchmarkInfo(name, role, 200, skill, form, f"{skill} items in {form} form")
            for name, (role, skill, form) in BENCHMARKS.items()
        ],
        ledger=ledger(),
        outcomes=outcomes(),
        difficulty=difficulty(),
        examples=EXAMPLES,
        threats=THREATS,
        limits=LIMITS,
        failures=[Failure("seedless", 3, "sft", "worker ran out of memory")],
        switched_off={},
        warnings=["Arm label saw 312 distinct questions only: its material repeats 9.4 times."],
    )


STUDY: Mapping[str, Any] = {
    "name": "quickstart",
    "fingerprint": "b3:5f1c0a9e77d24cb1a6e2",
    "setting": "A made-up world.",
    "question": "How much does distilling this teacher really help, and is it more than benchmark polish?",
    "kind": "study",
    "replicates": 4,
    "seed": 20240611,
    "world": {"name": "atlas", "seed": 7, "entities": 240, "base_knows": 0.15},
    "versions": {"gauger": "0.1.0", "python": "3.11.9", "torch": "2.13.0", "numpy": "2.4.0"},
    "command": "gauger run studies/quickstart.yaml --set world.seed=7",
}


def verdict(judged: Estimate, outcome: str, *, post_hoc: bool) -> Verdict:
    settled_by = {
        "undetermined": "8 replicates instead of 4 would be expected to settle it.",
        "invalid": "placebo: its uplift interval lies above 0.",
        "not_powered": "The leak check decides nothing. There is no twin of the leak arm.",
        "not_replicated": "No arm was trained more than once.",
    }
    rule = {
        "estimand": "gap_recovered",
        "role": "near",
        "arm": "expand",
        "control": "matched",
        "threshold": 0.25,
        "level": 0.95,
        "post_hoc": post_hoc,
    }
    value, half = {"major": (0.42, 0.08), "undetermined": (0.22, 0.09)}.get(outcome, (judged.value, 0.04))
    judged = replace(judged, value=value, low=value - half, high=value + half)
    judged = replace(judged, simultaneous_low=value - 1.5 * half, simultaneous_high=value + 1.5 * half)
    chance = {"major": 0.998, "minor": 0.0004, "undetermined": 0.31, "invalid": None}.get(outcome)
    return Verdict(rule, outcome, chance, settled_by.get(outcome), judged)


def assay(outcome: str) -> list[AssayCheck]:
    placebo = AssayCheck("placebo", "passed", "Uplift over all roles −7.2 points (−9.9 to −4.5): not above 0.")
    if outcome == "invalid":
        placebo = AssayCheck("placebo", "failed", "Uplift +3.1 points (0.8 to 5.4): above 0, where nothing was taught.")
    return [
        placebo,
        AssayCheck("memorisation", "passed", "Memorisation +65.4 points (62.8 to 68.0); the audit found 400 of 400."),
        AssayCheck("reference", "not_made", "Switched off: no ground truth for two of the domains."),
    ]


def arm_info(name: str) -> ArmInfo:
    kind, description, matched = ARMS[name]
    if kind in FIXED:
        return ArmInfo(name, kind, description)
    teacher = 184_320 if kind == "distilled" else 0
    return ArmInfo(
        name,
        kind,
        description,
        matched=matched,
        strategy=name if kind == "distilled" else None,
        seed_source="benchmark-train" if name == "label" else "expanded" if kind == "distilled" else None,
        forms=("quiz", "cloze") if name in ("seedless", "matched-forms") else ("quiz",),
        steps=600,
        tokens=1_228_800,
        unique_tokens=212_480,
        teacher_tokens=teacher,
        queries=4_096 if teacher else 0,
    )


def ledger() -> list[dict[str, Any]]:
    rows = []
    for name, (kind, _, _) in ARMS.items():
        if kind in FIXED:
            continue
        source = "teacher" if kind == "distilled" else "web"
        rows.append(
            {
                "arm": name,
                "source": source,
                "samples": 4_096,
                "tokens": 1_228_800,
                "unique_tokens": 212_480,
                "epochs": 5.78,
                "teacher_tokens_in": 98_304 if source == "teacher" else 0,
                "teacher_tokens_out": 184_320 if source == "teacher" else 0,
                "queries": 4_096 if source == "teacher" else 0,
                "dropped": 37 if source == "teacher" else 0,
                "overlaps": 400 if name == "leak" else 0,
            }
        )
    return rows


def outcomes() -> list[dict[str, Any]]:
    return [
        {
            "arm": arm,
            "benchmark": name,
            "scored": 795 - (37 if arm == "placebo" else 0),
            "unparsed": 5 + (37 if arm == "placebo" else 0),
            "truncated": 0,
            "refused": 0,
            "failed": 0,
        }
        for arm in ("base", "teacher", "matched", "placebo", "expand")
        for name in list(BENCHMARKS)[:4]
    ]


def difficulty() -> list[dict[str, Any]]:
    names = list(BENCHMARKS)
    return [
        {
            "arm": arm,
            "benchmark": name,
            "difficulty": level,
            "score": min(1.0, max(0.0, SCORES[arm][names.index(name)] * (1.7 - 0.35 * level))),
            "n_items": 50,
        }
        for arm in ("base", "teacher", "matched", *DISTILLED)
        for name in ("sum-quiz", "sum-cloze", "sort-quiz", "max-quiz")
        for level in (1, 2, 3, 4)
    ]


EXAMPLES = [
    {"arm": arm, "strategy": arm, "prompt": f"Q: where does the velvet otter {number} live ?", "answer": answer}
    for arm in DISTILLED
    for number, answer in enumerate(
        ("A: in the salt marsh <END>", "A: <script>alert('teacher')</script> & \"quotes\"", "A: \x00\u202eevil\nmore")
    )
]

THREATS = [
    {
        "threat": "Seeds",
        "question": "Was the teacher asked with the training sets of the benchmarks reported here?",
        "answer": "Arms label, expand and logits were; seedless was not. Uplift is reported for each source.",
        "stands": "controlled",
    },
    {
        "threat": "Mixture",
        "question": "Was other data credited to the teacher?",
        "answer": "Every arm has a matched arm with the same tokens and steps and no teacher.",
        "stands": "controlled",
    },
    {
        "threat": "Benchmarks",
        "question": "Is the gain more than polish for one benchmark's form?",
        "answer": "Near and parallel benchmarks were measured; expand carries over 9 % of its targeted uplift.",
        "stands": "controlled",
    },
    {
        "threat": "Context",
        "question": "Was distillation studied inside the pipeline it belongs to?",
        "answer": "One stage after pre-training; later stages were not run.",
        "stands": "partly",
    },
    {
        "threat": "Scale",
        "question": "Do the numbers hold for larger students and harder tasks?",
        "answer": "One student size.",
        "stands": "open",
    },
]

LIMITS = [
    "It cannot say what a larger student would gain: one size was trained.",
    "It cannot say what the same teacher is worth on other benchmarks: the averages are over this study's own.",
]


EXTRACTION = [
    {
        "benchmark": "gsm8k",
        "measure": f"exact_match, {name}",
        "primary": name == "strict-match",
        "estimand": "uplift",
        "arm": "distilled",
        "control": "control",
        "value": value,
        "low": None if value is None else value - 0.04,
        "high": None if value is None else value + 0.04,
        "n_items": 500,
        "reason": "no scored rows" if value is None else None,
        "conclusion": conclusion,
    }
    for name, value, conclusion in (
        ("strict-match", 0.17, "gain"),
        ("flexible-extract", 0.02, "unclear"),
        ("none", None, "undefined"),
    )
]


def compare_document() -> Document:
    """Return what `gauger compare` makes of existing logs: two arms and a teacher, no training, mostly no roles."""
    maker = Maker(2)
    names = ("mmlu_abstract_algebra", "mmlu_anatomy", "gsm8k", "arc_challenge")
    scores = {
        "distilled": (0.41, 0.52, 0.61, 0.55),
        "control": (0.38, 0.51, 0.44, 0.54),
        "teacher": (0.7, 0.8, 0.92, 0.9),
    }
    estimates = []
    for position, name in enumerate(names):
        place = Place((0,), name, "targeted" if name == "gsm8k" else "", None)
        by_arm = {arm: values[position] for arm, values in scores.items()}
        estimates += [maker.make("score", arm, None, place, value, 0.02) for arm, value in by_arm.items()]
        uplift = by_arm["distilled"] - by_arm["control"]
        estimates.append(maker.make("uplift", "distilled", "control", place, uplift, 0.018))
        gap = by_arm["teacher"] - by_arm["control"]
        estimates.append(maker.make("gap_recovered", "distilled", "control", place, uplift / gap, 0.05))
    estimates = [
        replace(row, role=row.role or None, n_clusters=None, df=None, note="covers item sampling alone")
        for row in estimates
    ]
    return Document(
        study={
            "name": "distilled against control",
            "question": "How much more does distilled score than control on the same items?",
            "kind": "compare",
            "replicates": {"distilled": 1, "control": 1, "teacher": 1},
            "extraction": EXTRACTION,
            "versions": {"gauger": "0.1.0"},
        },
        estimates=estimates,
        arms=[
            ArmInfo("distilled", "distilled", "", matched="control"),
            ArmInfo("control", "matched", ""),
            ArmInfo("teacher", "teacher", ""),
        ],
        benchmarks=[BenchmarkInfo(name, "targeted" if name == "gsm8k" else "", 500) for name in names],
        warnings=["Nothing was replicated: intervals cover item sampling alone."],
    )


HOSTILE = "</script><script>window.pwned=1</script><img src=x onerror=alert(1)>\"'&\ud800\u2028"


def hostile_document() -> dict[str, Any]:
    """Return a study in which every name and every text tries to break out of the page."""

    def poison(value: Any) -> Any:
        if isinstance(value, str):
            return {"expand": f"expand{HOSTILE}", "fauna-quiz": f"fauna{HOSTILE}"}.get(value, value)
        if isinstance(value, Mapping):
            return {key: poison(entry) for key, entry in value.items()}
        return [poison(entry) for entry in value] if isinstance(value, list | tuple) else value

    plain = poison(study_document().to_dict())
    plain["warnings"] = [HOSTILE]
    plain["study"] = {**plain["study"], "name": HOSTILE, "question": HOSTILE, "command": HOSTILE}
    plain["examples"] = [{"arm": HOSTILE, "strategy": HOSTILE, "prompt": HOSTILE, "answer": HOSTILE * 400}]
    return plain
