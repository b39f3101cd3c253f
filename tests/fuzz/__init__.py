"""Whole programs made at random, a judge of their derivatives, and a shrinker."""
