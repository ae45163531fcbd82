"""A batch in a process of its own, to be killed: python -m elicit.teacher.driver URL JOURNAL COUNT."""

import sys
from pathlib import Path

from gauger.elicit.teacher.journalled import Journalled

from .common import UNTIRING, endpoint, questions


def main():
    url, path, count = sys.argv[1:]
    for _ in Journalled(endpoint(url, patience=UNTIRING), Path(path)).ask(questions(int(count))):
        pass


if __name__ == "__main__":
    main()
