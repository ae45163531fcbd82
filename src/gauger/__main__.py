"""Runs ``gauger`` and ``python -m gauger``, and ends in a line at Ctrl-C, from the first moment to the last.

Python raises KeyboardInterrupt wherever it is: in the middle of an import, or when it takes itself down, that is a
traceback over libraries that nobody asked about. Before the command line is loaded and after it has ended, Ctrl-C
therefore ends the process at once; in between it is an exception, which commands answer in their own ways.
"""

from __future__ import annotations

import os
import sys
from signal import SIGINT, default_int_handler, getsignal, signal

STOPPED = 128 + SIGINT


def main() -> int:
    """Run the process's own command line and return its exit code."""
    code = STOPPED
    ours = getsignal(SIGINT) is default_int_handler  # nohup, and `&` in a script, hand "ignored" down
    if ours:
        signal(SIGINT, _leave)
    from gauger.cli import main as run

    try:
        if ours:
            signal(SIGINT, default_int_handler)
        code = run()
        if ours:
            signal(SIGINT, _leave)
    except KeyboardInterrupt:
        _leave()
    return code


def _leave(*_: object) -> None:
    """End the process without taking anything down; nothing is open yet, or everything is closed."""
    os.write(2, b"gauger: stopped\n")
    os._exit(STOPPED)


if __name__ == "__main__":
    sys.exit(main())
