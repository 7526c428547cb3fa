"""Which cells of a map hold a target: constant false-alarm rate, and what was trained."""
