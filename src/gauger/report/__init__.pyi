from .evidence.page import render_evidence as render_evidence
from .evidence.page import write_evidence as write_evidence
from .page import headline as headline
from .page import render as render
from .page import write as write
