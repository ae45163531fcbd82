"""Runs ``python -m gauger``: the same as ``gauger``."""

from __future__ import annotations

import sys

from gauger.cli import main

if __name__ == "__main__":
    sys.exit(main())
