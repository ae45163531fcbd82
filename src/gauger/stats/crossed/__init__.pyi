from .panel import FloatArray as FloatArray
