"""The words everyone uses: constants, units, errors and random streams.

`ntn6g.core.random` needs TensorFlow and is therefore imported by its own name.
"""
