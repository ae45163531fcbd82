"""A format of logs of another package: a first line that names it, then ITEM ANSWER SCORE on each line."""

from gauger.measure.importers.contents import Contents
from gauger.measure.importers.formats import LogFormat
from gauger.measure.importers.log import Log, Wants
from gauger.measure.importers.scored_items import Evaluation, LoggedAnswer, log_of_items

NAME = "outside log"


def fits(contents: Contents) -> bool:
    return contents.start.startswith(b"outside-log ")


def read(contents: Contents, wants: Wants) -> list[Log]:
    first, *lines = contents.plain.read_text("utf-8").splitlines()
    rows = [line.split() for line in lines]
    items = [LoggedAnswer(item, {"correct": float(score)}) for item, score in rows]
    return [log_of_items(contents.path, NAME, Evaluation(first.split()[1], items))]


FORMAT = LogFormat(fits, read)
