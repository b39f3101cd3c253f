"""Derivatives against differences: oracles that know nothing of the compiler."""
