"""The rules, pure: no I/O, no clock, no randomness; plain values in, plain values out."""
