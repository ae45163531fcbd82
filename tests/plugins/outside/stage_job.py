"""What the stage `twice` does: it trains on the corpus at a multiple of the learning rate."""

from pathlib import Path

from gauger.jobs.parameters import Inputs, TrainStage, job
from gauger.jobs.training import train_on_corpus


@job(TrainStage)
def train_twice(params: TrainStage, inputs: Inputs, out: Path) -> None:
    rate = params.learning_rate * float(str(params.own["factor"]))
    train_on_corpus(params.model_copy(update={"learning_rate": rate}), inputs, out)
