"""Draws the report: a document in, one self-contained HTML page out, with its figures also as SVG and PNG.

The chart library takes a while to import, so nothing here imports it until a page is rendered.

audit/            Draws the page of an audit
blocks.py         Builds a page's pieces: sections, figures with their panels, tables, legends, callouts
chapters.py       Orders the chapters of a report, our own and those of other packages
charts.py         Gives out the figures of a report one by one, as charts that a notebook draws and a file holds
conclusion.py     Words what a document concludes: the verdict's sentence, its grounds, and what would settle it
document_view.py  Looks up in the document what parts of a report ask for: arms by kind, benchmarks by role,
                  estimates by name
drawing.py        Styles every chart alike, and writes charts as files
embed.py          Embeds charts and data in an HTML page: escaped JSON, the inlined drawing library, a policy that
                  pins scripts
evidence/         Draws the page of the published evidence
export.py         Writes figures as files: SVG for print and editing, PNG for slides, drawn without a browser or a
                  network
findings.py       Titles every figure with its finding, by rules over its estimates
first_screen.py   Says under a conclusion what must be known with it: what was studied, what the threshold means, what
                  is open
forecast/         Draws the two pages of a forecast: one for a decision, one for the statistics behind it
forest.py         Draws interval charts: one row per estimate, grouped under headings, the same form for every
                  estimand
legend.py         Draws the legend of a figure as a chart of its own, for files; on the page the templates draw it
number_page.py    Writes a page of tables: the report of results that are no study, such as fitted laws
page.py           Makes the report: `render` gives the HTML text, `write` the file with its figures beside it
page_frame.py     Frames every page alike: template environment, style sheet, scripts, policy
palette.py        Names the colours of every figure: light values and their dark counterparts, safe for colour-blind
                  readers
parts/            Writes the chapters of a report; each takes the `View` and returns a `Section`, or None to be left
                  out
plain_tables.py   Writes tables for papers and notes: Markdown and LaTeX, from the same rows as the report's tables
scale_findings.py Titles the figures of a scale: uplift by compute, cells predicted, worth in data, who gains most
side_by_side.py   Writes the chapters of runs side by side: every verdict, what one finds beyond another, and what
                  differs in them
tables.py         Tabulates estimates as rows of HTML: values in their unit, intervals, and reasons where there is no
                  value
wording.py        Puts numbers and names into words: points, percentages, intervals, reasons, and text made safe to
                  insert
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
