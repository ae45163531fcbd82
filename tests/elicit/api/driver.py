"""A batch in a process of its own, to be killed: python -m elicit.api.driver URL JOURNAL COUNT."""

import sys
from pathlib import Path

from elicit.teacher.common import UNTIRING, endpoint, questions
from gauger.elicit.teacher.journalled import Journalled


def main():
    url, path, count = sys.argv[1:]
    for _ in Journalled(endpoint(url, patience=UNTIRING), Path(path)).ask(questions(int(count))):
        pass


if __name__ == "__main__":
    main()
