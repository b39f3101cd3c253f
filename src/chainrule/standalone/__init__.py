"""Derivatives as modules of their own, which run where chainrule is not installed.

In: a `Derivative` and the arguments of one or several calls. Out: the text of a module
that imports nothing but NumPy, SciPy and the standard library.
"""
