from .score import calibrate as calibrate
