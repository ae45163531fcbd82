"""An outside package: it adds one part of each kind to Gauger through its entry points, and changes nothing of it."""
