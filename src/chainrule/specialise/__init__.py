"""Tree and argument types in, IR out: inference, folding and lowering in one walk.

In: a function and what is known of its arguments. Out: typed IR (`entry.specialise`).
The modules interpret one kind of syntax each and call each other: `calls` is imported
first.
"""

from chainrule.specialise import calls as calls
