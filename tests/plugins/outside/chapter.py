"""A chapter of another package: how many estimates the report holds."""

from gauger.report.blocks import Section
from gauger.report.document_view import View


def build(view: View) -> Section | None:
    return Section("outside", "How much there is to read", (f"{len(view.estimates)} estimates.",))
