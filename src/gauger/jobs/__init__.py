"""Does one job: typed parameters and input directories in, files out."""
