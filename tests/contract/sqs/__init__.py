"""How SQS behaves, as far as Triggerfish or its users can notice: one suite for every backend.

The cases say what AWS does (API reference, developer guide, and answers recorded from AWS).
"""
