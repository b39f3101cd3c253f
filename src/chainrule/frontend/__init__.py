"""From a Python function to its gast tree.

In: a function. Out: its tree with positions true in the file, checked against the
running code (`source`), what each name in it is (`scope`), and what is refused before
anything else is tried (`fence`).
"""
