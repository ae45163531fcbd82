"""Report: a document in, one self-contained HTML page out, with its figures also as SVG and PNG.

The chart library takes a while to import, so nothing here imports it until a page is rendered.

blocks.py         What a page is put together from: sections, figures with their panels, tables, legends, callouts
chapters.py       The order of the chapters of a report, our own and those of other packages
document_view.py  The document as the parts of a report ask for it: arms by kind, benchmarks by role, estimates by
                  name
drawing.py        How every chart looks, and how charts leave the page as files
embed.py          Charts and data inside an HTML page: escaped JSON, the inlined drawing library, and the policy that
                  pins scripts
evidence/         Draws the page of the published evidence
export.py         Figures as files: SVG for print and editing, PNG for slides, drawn without a browser or a network
forest.py         Interval charts: one row per estimate, grouped under headings, the same form for every estimand
legend.py         The legend of a figure as a chart of its own, for files; on the page the templates draw it
page.py           Make the report: `render` gives the HTML text, `write` the file with its figures beside it
page_frame.py     The frame every page shares: template environment, style sheet, scripts, policy
palette.py        Colours of every figure: one table of light values and their dark counterparts, safe for
                  colour-blind readers
parts/            The chapters of a report, in reading order; each takes the `View` and returns a `Section`, or None
                  to be left out
tables.py         Estimates as rows of HTML tables: values in their unit, intervals, and reasons where there is no
                  value
wording.py        Numbers and names in words: points, percentages, intervals, reasons, and text made safe to insert
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
