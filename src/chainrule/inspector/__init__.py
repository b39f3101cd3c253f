"""The command `inspect-derivative`: show, check and explain derivatives.

In: the arguments of a command line. Out: text on standard output or in a file, messages
on standard error, an exit status. Of the rest of the package only the pytest
plugin and the notebook magic import this folder, when they are used; only this folder
imports rich.

`main` does what `options` allows; `target` finds the function, `values` its arguments,
`derivative` asks the compiler. What is shown is one plain `report`: `collect` makes it
from `facts` (what the compiler says), `saved` and `measure` (what the forward sweep
keeps), `primal`, `links`, `vanished` and `roles`. `terminal` and `page` render it, both
with `tokens`; `watch` and `live` serve the page. `check` compares with differences,
`listing` looks at a whole module, `index` gathers the pages of what tests checked, for
the pytest plugin, `show` prints.

`collect.of_function(f, *args)` is the report of a call, `page.page(report)` its page.
"""
