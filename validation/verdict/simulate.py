"""What the verdict and the statements say in healthy, sick and borderline studies, beside what a naive rule would say.

Run by hand: python validation/verdict/simulate.py [PART ...] [--draws N]. Prints the tables that results.txt holds, and
exits with 1 where a promise of README.md is broken. Each cell has a seed of its own, made from its name.
"""

from __future__ import annotations

import argparse
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np

from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.simulate import prepare
from gauger.estimate.calibrate.statement_score import StatementScore, StatementTally
from gauger.estimate.calibrate.verdict_score import VerdictScore, VerdictTally
from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import run_batch
from gauger.estimate.verdict import plan_judging

QUICKSTART = Planted(
    replicates=4, items=200, benchmarks=2, distilled_arms=4, base=0.3, format_effect=0.03, training_effect=0.05,
    teacher_lead=0.55, reference_lead=0.22, uplift=0.275, replicate_sd=0.05,
)  # fmt: skip
"""Sizes of studies/quickstart.yaml: replicates, items, benchmarks a role and arms; scores, the teacher's lead, what the
reference reaches of it (40 %) and how far seeds lie apart (1.7 points) as in its world 1."""
NOISY = replace(QUICKSTART, replicate_sd=0.15)
"""Three times that training noise: 5 points."""
ON_THRESHOLD = replace(NOISY, bound_share=0.5)
"""theta = .25 exactly."""


@dataclass(frozen=True)
class Promise:
    """One line of a table: a planted study, a rate that is promised, and its limit."""

    name: str
    planted: Planted
    rate: Callable[[VerdictScore], float]
    most: float | None = None
    least: float | None = None
    naive: Callable[[VerdictScore], float] | None = None
    """The rate of the rule that is replaced; it must break the limit somewhere in the part."""
    bare: bool = False
    """Distilled, matched and teacher only: nobody else to borrow from."""


def bare_of(cells: Cells) -> Cells:
    """Leave out every arm but the first distilled one, its control and the teacher."""
    kept = [a for a, arm in enumerate(cells.design.arms) if arm.name in ("distilled1", "matched", "teacher")]
    design = replace(cells.design, arms=tuple(cells.design.arms[a] for a in kept))
    panel = cells.cube.panel
    panel = replace(
        panel,
        scores=tuple(scores[kept] for scores in panel.scores),
        replicates=panel.replicates[kept],
        trained_once=None if panel.trained_once is None else panel.trained_once[kept],
    )
    arms = tuple(cells.cube.arms[a] for a in kept)
    return Cells(replace(cells.cube, panel=panel, arms=arms, present=cells.cube.present[kept]), design)


def verdicts(one: Promise, draws: int) -> VerdictScore:
    """Draw one planted study many times and tally its verdicts."""
    generator, tally = prepare(one.planted), VerdictTally.of(one.planted)
    rng = np.random.default_rng(zlib.crc32(one.name.encode()))
    for _ in range(draws):
        cells = Cells(generator.draw(rng), generator.design)
        if one.bare:
            cells = bare_of(cells)
            tally.design = cells.design
        tally.judging = plan_judging(cells, tally.rule)
        tally.add_judged(run_batch(cells, tally.judging.entries), 0)
    return tally.score()


def monte_carlo(share: float, draws: int) -> str:
    """Return Wilson's 95 % interval of a share of draws, in per cent."""
    z2 = 1.96**2
    middle, half = share + z2 / (2 * draws), 1.96 * np.sqrt(share * (1 - share) / draws + z2 / (4 * draws**2))
    low, high = ((middle + sign * half) / (1 + z2 / draws) for sign in (-1, 1))
    return f"{100 * max(low, 0):.1f} to {100 * min(high, 1):.1f}"


def threshold_promises() -> list[Promise]:
    """A study that lies on its threshold: it is decided in at most 7 %, however it was replicated."""
    patterns = [(1, 1), (1, 4), (2, 2), (3, 3), (8, 8)]
    return [
        Promise(
            f"on the threshold, {own}/{others}, {'three arms' if bare else 'all arms'}, judged noise x{noise:g}",
            replace(ON_THRESHOLD, items=items, replicates=others, distilled_replicates=own, judged_noise=noise),
            lambda score: score.decided_replicated,
            most=0.07 if noise <= 2 else None,
            naive=lambda score: score.naive_decided,
            bare=bare,
        )
        for own, others in patterns
        for bare in (True, False)
        for items, noise in ([(600, 1.0)] if own != 1 or others == 1 else [(600, 1.0), (600, 2.0), (600, 4.0)])
    ]


def health_promises() -> list[Promise]:
    """Healthy studies are seldom invalid, however large; a leak at the threshold seldom fails."""
    healthy = replace(NOISY, distilled_arms=1, placebo_effect=0.0625)
    found = [
        Promise(
            f"healthy, placebo at half its margin, {items} items",
            replace(healthy, items=items, benchmarks=2 if items < 5000 else 1),
            lambda score: score.invalid,
            most=0.05,
            naive=lambda score: score.placebo_above_zero,
        )
        for items in (50, 500, 5000)
    ]
    found += [
        Promise(
            f"leak increment {increment:.2f} of the lead",
            replace(NOISY, distilled_arms=1, leak_increment=increment),
            lambda score: score.failed["leak"],
            most=0.05,
        )
        for increment in (0.1, 0.25)
    ]
    return found


def power_promises() -> list[Promise]:
    """At the quickstart's sizes small shares are minor and large ones major; sick studies are neither."""
    small = replace(QUICKSTART, uplift=0.0275, bound_share=0.0)
    large = replace(QUICKSTART, uplift=0.275, bound_share=0.0)
    found = [
        Promise("true share .05 is minor", small, lambda score: score.minor, least=0.8),
        Promise("true share .50 is major", large, lambda score: score.major, least=0.8),
    ]
    loud = {"true share .05, three times the noise": (small, "minor"), "true share .50, the same": (large, "major")}
    found += [
        Promise(name, replace(planted, replicate_sd=NOISY.replicate_sd), attrgetter(outcome))
        for name, (planted, outcome) in loud.items()
    ]
    sick = {
        "placebo at twice its margin": {"placebo_effect": 0.25},
        "blind leak": {"leak_is_blind": True},
        "dead reference": {"reference_lead": 0.0},
    }
    found += [
        Promise(
            f"sick: {name}, true share {share}",
            replace(planted, **how),
            lambda score: score.decided,
            most=0.05,
            naive=lambda score: score.unchecked_decided,
        )
        for name, how in sick.items()
        for share, planted in ((".05", small), (".50", large))
    ]
    return found


PARTS: dict[str, Callable[[], list[Promise]]] = {
    "threshold": threshold_promises,
    "health": health_promises,
    "power": power_promises,
}


def run_promises(part: str, draws: int, only: str) -> list[str]:
    """Print one part and return the names of broken promises."""
    broken, naive_breaks = [], []
    print(f"\n{part}: {PARTS[part].__doc__}\n{draws} draws a line; [95 % Monte Carlo interval]")
    print(f"{'study':62} {'rate':>7} {'interval':>14} {'limit':>8} {'naive':>7}  outcomes")
    for one in PARTS[part]():
        if only not in one.name:
            continue
        score = verdicts(one, draws)
        rate = one.rate(score)
        naive = None if one.naive is None else one.naive(score)
        limit = f"<= {one.most:.2f}" if one.most is not None else f">= {one.least:.2f}" if one.least is not None else ""
        told = " ".join(
            f"{name} {100 * getattr(score, name):.1f}"
            for name in ("major", "minor", "undetermined", "not_powered", "not_replicated", "invalid")
        )
        shown = "" if naive is None else f"{100 * naive:.1f}"
        span = monte_carlo(rate, draws)
        print(f"{one.name:62} {100 * rate:7.1f} {span:>14} {limit:>8} {shown:>7}  {told}", flush=True)
        if (one.most is not None and rate > one.most) or (one.least is not None and rate < one.least):
            broken.append(one.name)
        naive_breaks.append(naive is not None and one.most is not None and naive > one.most)
    if any(naive_breaks) or only != "":
        return broken
    return (
        [*broken, f"{part}: the naive rule keeps every promise, so this shows nothing"] if part != "power" else broken
    )


def statement_cells() -> dict[str, tuple[Planted, float | None, float | None]]:
    """Name the planted studies of the statements, with the most (or the least) that *memorised* may be said."""
    lift = replace(NOISY, distilled_arms=1, bound_share=0.0, forgetting=0.0, uplift=0.2, link="logit")
    cells: dict[str, tuple[Planted, float | None, float | None]] = {
        f"uniform lift, {harder:+g} logits, {items} items": (replace(lift, harder=harder, items=items), 0.05, None)
        for harder in (-2.0, -1.0, 0.0, 1.0, 2.0)
        for items in (200, 1000)
    }
    cells |= {
        f"two-parameter items, {harder:+g} logits, 1000 items": (
            replace(lift, link="two_parameter", harder=harder, items=1000), None, None,
        )
        for harder in (-2.0, 2.0)
    }  # fmt: skip
    return cells


def run_statements(draws: int, only: str) -> list[str]:
    """Print how often *memorised* and *bound* are said, by both scales and by points alone."""
    broken = []
    print(f"\nstatements about the distilled arm: false under a uniform lift of all items. {draws} draws a line")
    print(f"{'study':44} {'statement':24} {'said':>6} {'interval':>14} {'points':>7} {'logits':>7} {'coverage':>9}")
    naive = 0.0
    for name, (planted, most, _least) in statement_cells().items():
        if only not in name:
            continue
        for one in statements(name, planted, draws):
            if one.estimand == "carryover":
                continue
            covered = "" if one.coverage_logits is None else f"{100 * one.coverage_logits:.1f}"
            span = monte_carlo(one.said, one.draws)
            told = (
                f"{100 * one.said:6.1f} {span:>14} {100 * one.in_points:7.1f} {100 * one.in_logits:7.1f} {covered:>9}"
            )
            print(f"{name:44} {one.estimand:24} {told}", flush=True)
            naive = max(naive, one.in_points)
            if most is not None and one.said > most:
                broken.append(f"{name}: {one.estimand} said in {100 * one.said:.1f} %")
    if naive <= 0.05 and not only:
        broken.append("points alone make no false statement: this shows nothing")
    return broken


def statements(name: str, planted: Planted, draws: int) -> Sequence[StatementScore]:
    """Draw one planted study many times and tally its statements about the distilled arm."""
    generator, tally = prepare(planted), StatementTally(planted, ("distilled1",))
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    for _ in range(draws):
        cells = Cells(generator.draw(rng), generator.design)
        tally.add(run_batch(cells, tally.plan(cells)), 0)
    return tally.score()


def run_memorisation_power(draws: int) -> list[str]:
    """Print how often memorisation of 10 points at equal difficulty is named (leak arm, quickstart's sizes)."""
    planted = replace(QUICKSTART, distilled_arms=1, leaked=0.1, name="memorised")
    generator, tally = prepare(planted), StatementTally(planted, ("leak",))
    rng = np.random.default_rng(7)
    for _ in range(draws):
        cells = Cells(generator.draw(rng), generator.design)
        tally.add(run_batch(cells, tally.plan(cells)), 0)
    one = next(score for score in tally.score() if score.estimand == "memorisation")
    print(
        f"\nmemorisation of 10 points at equal difficulty, quickstart's sizes: named in {100 * one.said:.1f} %", end=" "
    )
    print(f"({monte_carlo(one.said, draws)}; points alone {100 * one.in_points:.1f} %), promised 80 %; {draws} draws")
    return [] if one.said >= 0.8 else ["memorisation of 10 points is not named in 80 %"]


def main() -> int:
    """Run the parts asked for and say which promises are broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=[*PARTS, "statements", "memorisation"])
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    started, broken = time.process_time(), []
    for part in asked.parts:
        if part in PARTS:
            broken += run_promises(part, asked.draws, asked.only)
        elif part == "statements":
            broken += run_statements(asked.draws, asked.only)
        else:
            broken += run_memorisation_power(asked.draws)
    print(f"\nbroken: {broken or 'none'}; {time.process_time() - started:.0f} s of processor time")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
