"""An engine of another package: Gauger's small decoders under another name, with other habits of training."""

from pathlib import Path

from gauger.train.engine import Architecture, Defaults
from gauger.train.tiny.engine import TinyEngine, TinyModel

DEFAULTS = Defaults(weight_decay=0.0, clip=1.0, micro_tokens=4096)


class OutsideModel(TinyModel):
    """A decoder that is trained with this engine's defaults."""

    defaults = DEFAULTS


class OutsideEngine(TinyEngine):
    """Loads and builds them."""

    defaults = DEFAULTS

    def load(self, directory: Path, base: Path | None = None) -> OutsideModel:
        model = super().load(directory, base)
        return OutsideModel(model.decoder, model.words)

    def build(self, architecture: Architecture, words, context: int, seed: int) -> OutsideModel:
        model = super().build(architecture, words, context, seed)
        return OutsideModel(model.decoder, model.words)


ENGINE = OutsideEngine()
