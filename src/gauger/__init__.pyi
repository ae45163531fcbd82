from .api import audit as audit
from .api import compare as compare
from .api import compare_runs as compare_runs
from .api import evidence as evidence
from .api import fit as fit
from .api import forecast as forecast
from .api import load_run as load_run
from .api import meta as meta
from .api import run as run

FUNCTIONS: dict[str, str]
