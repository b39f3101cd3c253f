"""Derivatives against differences, and generated code against what was reviewed.

`differences` and `structure` are oracles that know nothing of the compiler; `problems`,
`derivatives` and `wrong` compare it with them; `goldens` compares text; `samples` makes
arguments.
"""
