"""Makes the type of what may stand in an arm's `stages`: any kind of stage, our own or another package's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gauger.spec.stages.base import StageSpec
from gauger.spec.stages.registry import STAGES
from gauger.spec.variants import variants

if TYPE_CHECKING:  # which kinds there are is known at run time alone: other packages may add some
    Stage = StageSpec
else:
    Stage = variants(STAGES)
