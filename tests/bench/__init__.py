"""The benchmark: speed of the whole platform beside references, in one run on one machine."""
