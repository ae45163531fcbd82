"""Report: a document in, one self-contained HTML page out, with its figures also as SVG and PNG.

- `page.py`: `render` and `write`, the two things other rooms need.
- `view.py`: the document as the parts ask for it.
- `parts/`: one chapter of the report per file.
- `blocks.py`: what a page is put together from (section, figure, table, callout).
- `wording.py`: numbers and names in words.
- `tables.py`: estimates as rows of a table.
- `forest.py`: interval charts, the form most figures share.
- `drawing.py`: the look of every chart, on a page and as a file.
- `legend.py`: the legend of a figure that becomes a file.
- `export.py`: figures as SVG and PNG files.
- `palette.py`: colours, light and dark.
- `embed.py`: charts and data inside HTML, and the policy that pins the scripts.
- `shell.py`: templates, assets, and `render_page` for any page with this frame.
- `*.html.j2`, `report.css`, `report.js`: the frame itself.

The chart library takes a while to import, so nothing here imports it until a page is rendered.
"""

from gauger.report.page import headline, render, write

__all__ = ["headline", "render", "write"]
