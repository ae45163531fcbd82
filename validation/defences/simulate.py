"""How often statements about the best attacker hold in simulated studies, beside those of whoever came out best.

Run by hand: python validation/defences/simulate.py [PART ...] [--draws N]. Prints the tables that results.txt holds,
and exits with 1 where a promise of README.md is broken. Each cell has a seed of its own, made from its name.
"""

from __future__ import annotations

import argparse
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gauger.estimate.calibrate.planted_defences import PlantedDefences, prepare_defences
from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import run_batch
from gauger.estimate.defences import best
from gauger.estimate.defences.best import ContrastFamily, best_of, maximin, without_luck
from gauger.estimate.defences.outcome import decide_defence
from gauger.estimate.defences.plan import plan_defences
from gauger.estimate.defences.ratio_set import PairedRatio, share_of_best
from gauger.records import Estimate
from gauger.stats import t_quantile

best.DRAWS = 2**12  # a quarter of those of a real study: each tail probability of 0.05 to within 0.0034
LEVEL = 0.95
EIGHT = tuple(f"k{number}" for number in range(1, 9))
OPEN, DEFENCE = "open", "d"


@dataclass
class Tally:
    """What was said in many draws of one planted study."""

    outcomes: Counter[str] = field(default_factory=Counter)
    naive_outcomes: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    errors: dict[str, list[float]] = field(default_factory=lambda: {"ours": [], "naive": []})
    n: int = 0


@dataclass(frozen=True)
class Looked:
    """One draw: the uplifts of one surface with joint and plain ends."""

    family: ContrastFamily
    critical: np.ndarray

    @property
    def plain(self) -> np.ndarray:
        """Return how many standard errors a plain 95 % interval reaches."""
        return np.asarray(t_quantile((1 + LEVEL) / 2, self.family.df))

    def chosen(self) -> tuple[float, float, float]:
        """Value and plain 95 % interval of whoever came out best: the naive statement."""
        k = int(np.argmax(self.family.value))
        half = float(self.plain[k] * self.family.se[k])
        value = float(self.family.value[k])
        return value, value - half, value + half


def family_of(batch, places: list[int]) -> ContrastFamily:
    rows = batch.numerator[places]
    found = batch.contrasts
    return ContrastFamily(found.value[rows], found.joint.among(rows), found.df[rows])


def look(one: Promise, generator, rng: np.random.Generator, tally: Tally) -> None:
    """Draw one study and add to the tally what is said of it."""
    planted = one.planted
    cells = Cells(generator.draw(rng), generator.design)
    wanted = ("uplift", "uplift_removed", "adaptive_gap") if one.covers else ("uplift", "adaptive_gap")
    contrasts = [one for one in plan_defences(cells, generator.design.defences) if one.planned.estimand in wanted]
    batch = run_batch(cells, [one.planned for one in contrasts])
    single = [p for p, one in enumerate(contrasts) if one.planned.estimand == "uplift"]
    everything = family_of(batch, single)
    critical = everything.critical(LEVEL)
    surfaces = {}
    for surface in planted.uplift:
        own = np.array([i for i, p in enumerate(single) if contrasts[p].defence == surface])
        surfaces[surface] = Looked(everything.of(own), critical[own])
    if one.covers:
        _cover(planted, contrasts, batch, surfaces, tally)
    for surface in planted.uplift:
        _cover_gap(planted, contrasts, batch, surface, tally)
    for defence in planted.defences:
        tally.outcomes[f"{defence} {_outcome(planted, surfaces, defence, joint=True)}"] += 1
        tally.naive_outcomes[f"{defence} {_naive(planted, surfaces, defence)}"] += 1
    tally.n += 1


def _cover(planted, contrasts, batch, surfaces: Mapping[str, Looked], tally: Tally) -> None:
    """Count which statements hold the truth."""
    naive = {surface: looked.chosen() for surface, looked in surfaces.items()}
    for surface, looked in surfaces.items():
        found, truth = best_of(looked.family, looked.family.critical(LEVEL)), planted.best(surface)
        tally.covered[f"best on {surface}"] += found.low <= truth <= found.high
        tally.covered[f"naive best on {surface}"] += naive[surface][1] <= truth <= naive[surface][2]
        tally.errors["ours"].append(without_luck(looked.family) - truth)
        tally.errors["naive"].append(naive[surface][0] - truth)
    for defence in planted.defences:
        _cover_removed(planted, contrasts, batch, surfaces, defence, tally)


def pair_family(contrasts, batch, estimand: str, surface: str) -> tuple[ContrastFamily, int]:
    """Return all pairs of an estimand on a surface, and how many first attackers they have."""
    pairs = [
        p
        for p, one in enumerate(contrasts)
        if one.planned.estimand == estimand and one.defence == surface and one.other is not None
    ]
    return family_of(batch, pairs), len({contrasts[p].attacker for p in pairs})


def _cover_removed(planted, contrasts, batch, surfaces, defence: str, tally: Tally) -> None:
    family, firsts = pair_family(contrasts, batch, "uplift_removed", defence)
    half = family.critical(LEVEL) * family.se
    ends = [maximin((family.value + sign * half).reshape(firsts, -1)) for sign in (-1, 1)]
    truth = planted.best(OPEN) - planted.best(defence)
    tally.covered[f"removed by {defence}"] += ends[0] <= truth <= ends[1]
    before, after = surfaces[OPEN], surfaces[defence]
    j, k = int(np.argmax(before.family.value)), int(np.argmax(after.family.value))
    chosen = j * len(after.family.value) + k
    reach = float(t_quantile((1 + LEVEL) / 2, family.df[chosen]) * family.se[chosen])
    tally.covered[f"naive removed by {defence}"] += abs(family.value[chosen] - truth) <= reach
    value = without_luck(after.family) / without_luck(before.family)
    n = len(before.family.value)
    joint = ContrastFamily(
        np.concatenate([before.family.value, after.family.value]), _both(contrasts, batch, defence),
        np.concatenate([before.family.df, after.family.df]),
    )  # fmt: skip
    rows, columns = np.meshgrid(n + np.arange(len(after.family.value)), np.arange(n), indexing="ij")
    found = share_of_best(PairedRatio(joint, rows, columns), value, LEVEL)
    share = planted.best(defence) / planted.best(OPEN) if planted.best(OPEN) else np.nan
    inside = found.low is None or found.low <= share <= found.high
    tally.covered[f"share left by {defence}"] += (
        inside if found.kind != "outside" else not (found.low < share < found.high)
    )


def _both(contrasts, batch, defence: str) -> np.ndarray:
    places = [
        p
        for surface in (OPEN, defence)
        for p, one in enumerate(contrasts)
        if one.planned.estimand == "uplift" and one.defence == surface
    ]
    return family_of(batch, places).covariance


def _cover_gap(planted, contrasts, batch, surface: str, tally: Tally) -> None:
    if not planted.passive:
        return
    family, firsts = pair_family(contrasts, batch, "adaptive_gap", surface)
    half = family.critical(LEVEL) * family.se
    low, high = (maximin((family.value + sign * half).reshape(firsts, -1)) for sign in (-1, 1))
    own = planted.uplift[surface]
    truth = max(v for k, v in own.items() if k not in planted.passive) - max(own[k] for k in planted.passive)
    tally.covered[f"gap on {surface}"] += low <= truth <= high
    tally.outcomes[f"gap on {surface} {'seen' if low > 0 else 'not seen'}"] += 1


def _outcome(planted, surfaces: Mapping[str, Looked], defence: str, *, joint: bool) -> str:
    uplifts = {}
    for surface, looked in surfaces.items():
        half = (looked.critical if joint else looked.plain) * looked.family.se
        uplifts[surface] = {
            str(k): Estimate(
                "uplift", str(k), value=float(v), simultaneous_low=float(v - h), simultaneous_high=float(v + h)
            )
            for k, (v, h) in enumerate(zip(looked.family.value, half, strict=True))
        }
    return str(decide_defence(defence, planted.threshold, uplifts, uplifts[OPEN]).outcome)


def _naive(planted, surfaces: Mapping[str, Looked], defence: str) -> str:
    """The habit: report the interval of whoever came out best, and hold it against the threshold."""
    _, low, high = surfaces[defence].chosen()
    return "does_not" if low > planted.threshold else "works" if high < planted.threshold else "undetermined"


@dataclass(frozen=True)
class Promise:
    """One line: a planted study, a rate that is promised, and its limit."""

    name: str
    planted: PlantedDefences
    rates: Mapping[str, tuple[Callable[[Tally], float], float | None, float | None]]
    """What is counted -> how, and the least and the most that is promised."""
    covers: bool = False
    """Whether coverage is counted too, which takes most of the time."""


def covered(name: str) -> Callable[[Tally], float]:
    return lambda tally: tally.covered[name] / tally.n


def said(name: str, naive: bool = False) -> Callable[[Tally], float]:
    return lambda tally: (tally.naive_outcomes if naive else tally.outcomes)[name] / tally.n


def equal(open_: float, defended: float, **more) -> PlantedDefences:
    return PlantedDefences(uplift={OPEN: dict.fromkeys(EIGHT, open_), DEFENCE: dict.fromkeys(EIGHT, defended)}, **more)


def coverage() -> list[Promise]:
    """Intervals of the best attacker hold the best attacker's uplift; that of whoever came out best does not."""
    two = {OPEN: dict.fromkeys(EIGHT, 0.1) | {"k1": 0.2, "k2": 0.2}, DEFENCE: dict.fromkeys(EIGHT, 0.0) | {"k3": 0.1}}
    cases = {
        "eight equal attackers": equal(0.2, 0.05),
        "eight equal, noisy training": equal(0.2, 0.05, replicate_sd=0.15),
        "eight equal, three replicates": equal(0.2, 0.05, replicates=3),
        "two ahead, one through": replace(equal(0.2, 0.05), uplift=two),
    }
    return [
        Promise(
            name,
            planted,
            {
                "best, open": (covered("best on open"), 0.93, None),
                "best, defended": (covered("best on d"), 0.93, None),
                "naive best, open": (covered("naive best on open"), None, None),
                "naive best, defended": (covered("naive best on d"), None, 0.93 if name.startswith("eight") else None),
                "removed": (covered("removed by d"), 0.93, None),
                "naive removed": (covered("naive removed by d"), None, None),
                "share left": (covered("share left by d"), 0.93, None),
                "luck of ours, points": (lambda tally: 100 * float(np.mean(tally.errors["ours"])), None, None),
                "luck of naive, points": (lambda tally: 100 * float(np.mean(tally.errors["naive"])), None, None),
            },
            covers=True,
        )
        for name, planted in cases.items()
    ]


def one_of_eight() -> list[Promise]:
    """A defence that stops seven of eight attackers does not work."""
    falls = {OPEN: dict.fromkeys(EIGHT, 0.2), DEFENCE: dict.fromkeys(EIGHT, 0.0) | {"k5": 0.2}}
    found = []
    for name, through in (("falls to one of eight, who keeps 20 points", 0.2), ("who keeps 12 points", 0.12)):
        uplift = {**falls, DEFENCE: falls[DEFENCE] | {"k5": through}}
        planted = replace(equal(0.2, 0.0), uplift=uplift)
        least = 0.8 if through == 0.2 else None
        rates = {"does_not": (said("d does_not"), least, None), "works (false)": (said("d works"), None, 0.05)}
        found.append(Promise(name, planted, rates))
    on = equal(0.2, 0.05, items=400)
    rates = {
        "decided": (lambda t: said("d does_not")(t) + said("d works")(t), None, 0.05),
        "naive does_not": (said("d does_not", naive=True), None, None),
    }
    found.append(Promise("all eight on the threshold", on, rates))
    stopped = equal(0.2, -0.01, items=400)
    rates = {"works": (said("d works"), None, None), "naive works": (said("d works", naive=True), None, None)}
    found.append(Promise("stops all eight (they lose a point)", stopped, rates))
    return found


def kinds() -> list[Promise]:
    """Three planted kinds are told apart: removes nothing, removes everything, only passive minds."""
    four = ("passive", "filter", "ask-again", "other-prompts")
    uplift = {
        OPEN: dict.fromkeys(four, 0.2),
        "nothing": dict.fromkeys(four, 0.2),
        "everything": dict.fromkeys(four, -0.03),
        "passive-only": dict.fromkeys(four, 0.05) | {"passive": -0.02, "filter": 0.18},
    }
    planted = PlantedDefences(uplift=uplift, passive=frozenset({"passive"}), threshold=0.08, items=200)
    rates = {
        "nothing: does_not": (said("nothing does_not"), 0.9, None),
        "everything: works": (said("everything works"), 0.9, None),
        "passive-only: does_not": (said("passive-only does_not"), 0.9, None),
        "gap seen where planted": (said("gap on passive-only seen"), 0.9, None),
        "gap seen on open (false)": (said("gap on open seen"), None, 0.05),
        "gap seen on nothing (false)": (said("gap on nothing seen"), None, 0.05),
    }
    weak = replace(planted, uplift={surface: dict.fromkeys(four, 0.0) for surface in uplift})
    return [
        Promise("three planted kinds", planted, rates),
        Promise(
            "attackers who gain nothing anywhere",
            weak,
            {"everything: not_powered": (said("everything not_powered"), 0.9, None)},
        ),
    ]


PARTS = {"coverage": coverage, "one-of-eight": one_of_eight, "kinds": kinds}


def run(promises: Iterable[Promise], draws: int) -> bool:
    kept = True
    for one in promises:
        generator, tally = prepare_defences(one.planted), Tally()
        rng = np.random.default_rng(zlib.crc32(one.name.encode()))
        started = time.time()
        for _ in range(draws):
            look(one, generator, rng, tally)
        print(f"{one.name} ({draws} draws, {time.time() - started:.0f} s)", flush=True)
        for what, (rate, least, most) in one.rates.items():
            value = rate(tally)
            broken = (least is not None and value < least) or (most is not None and value > most)
            kept = kept and not broken
            side = "at least" if most is None else "at most"
            promised = least if most is None else most
            limit = "" if promised is None else f"  promised {side} {promised:g}"
            print(f"  {what:32s} {value:6.3f}{limit}{'  BROKEN' if broken else ''}", flush=True)
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--draws", type=int, default=400)
    given = parser.parse_args()
    kept = [run(PARTS[part](), given.draws) for part in given.parts]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
