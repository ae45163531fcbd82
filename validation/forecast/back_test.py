"""Back-tests the forecast on the shipped table and keeps what it found beside it.

python validation/forecast/back_test.py [WORKERS] writes src/gauger/forecast/data/back_test.json (form, width and
tail by role, scores, widening by distance and for later dates). Run it for every release of the table and after every
change of the forms; a test of tests/forecast/test_forecast.py says when it is due. About ten minutes of one core.
"""

from __future__ import annotations

import json
import sys
import time

from gauger.evidence import load, prepare
from gauger.forecast.back_test import run_back_test
from gauger.forecast.choose import choose
from gauger.forecast.extrapolation import extrapolate
from gauger.forecast.later import forecast_later
from gauger.forecast.literature import read_literature
from gauger.forecast.stored import FILE, document_of


def main(workers: int) -> None:
    begun = time.perf_counter()
    literature = read_literature(prepare(load()))
    chosen = choose(literature)
    print({role: form.name for role, form in chosen.form.items()}, flush=True)
    far = extrapolate(literature)
    later = forecast_later(literature)
    print({"widening one year ahead": later["factor"]}, flush=True)
    tested = run_back_test(literature, workers=workers)
    document = document_of(literature, chosen, tested, far, later)
    FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"{time.perf_counter() - begun:.0f} seconds; wrote {FILE.name}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
