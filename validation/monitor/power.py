"""Shows how often a monitor flags honest accounts, and how much distillers of several kinds get before it sees them."""

from __future__ import annotations

import numpy as np

from gauger.elicit.monitor.monitor import Monitor, power
from gauger.elicit.monitor.traffic import Distiller, benchmark_questions, honest_accounts

RATE, CALIBRATION, FRESH = 0.02, 500, 500
DISTILLERS = (
    Distiller(strategy="label"),
    Distiller(strategy="expand"),
    Distiller(strategy="seedless"),
    Distiller(strategy="label", cover=0.8),
    Distiller(strategy="label", accounts=20),
    Distiller(strategy="label", accounts=20, cover=0.8),
    Distiller(strategy="label", accounts=100),
)


def main() -> int:
    """Print the table; 1 where honest accounts are flagged more often than stated, by three standard errors."""
    rng = np.random.default_rng(1)
    questions = benchmark_questions(1000, rng)
    monitor = Monitor(honest_accounts(CALIBRATION, rng), RATE, questions[:300])
    honest = power(monitor, honest_accounts(FRESH, rng))
    print(f"stated: at most {RATE:.3f} of honest accounts are ever flagged")
    print(f"{FRESH} new honest accounts: {honest.flagged:.3f} [{honest.low:.3f}, {honest.high:.3f}]")
    print("strategy  accounts  cover  wanted  flagged  served each (mean)  distilling queries served")
    for who in DISTILLERS:
        found = power(monitor, who.accounts_of(questions, rng))
        served = found.all_served * who.accounts * (1 - who.cover)
        print(
            f"{who.strategy:9s} {who.accounts:7d} {who.cover:6.1f} {who.queries:7d} {found.flagged:8.2f} "
            f"{found.all_served:14.1f} {served:22.0f}",
            flush=True,
        )
    return int(honest.flagged > RATE + 3 * (RATE * (1 - RATE) / FRESH) ** 0.5)


if __name__ == "__main__":
    raise SystemExit(main())
