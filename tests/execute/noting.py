"""Keeps what a run says of its progress."""

from gauger.execute.progress import RunProgress


class Notes(RunProgress):
    """What was noted, in order: `said`."""

    def __init__(self):
        super().__init__()
        self.said = []

    def note(self, text):
        self.said.append(text)
