"""Triggerfish: the layer every function shares. Start at `wiring/` to see how the parts meet."""
