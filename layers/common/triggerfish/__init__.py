"""Triggerfish: the layer every function shares. Start at `wiring.py` to see how the parts meet."""
