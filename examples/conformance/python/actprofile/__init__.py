"""The act-go profile of ACT 2.1, read from SPEC.md.

An implementation for the conformance suite and for people who read: short,
without a network, without a clock. It is not a library for production.
"""
