from .load import open_study as open_study
from .load import plan_loaded as plan_loaded
from .next_runs import Proposal as Proposal
from .next_runs import propose as propose
from .plan_forecast import PlanForecast as PlanForecast
from .plan_forecast import forecast as forecast
from .run import run_study as run_study
