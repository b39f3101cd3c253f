"""The command `inspect-derivative`: show, check and explain derivatives.

In: the arguments of a command line. Out: text on standard output or in a file, messages
on standard error, an exit status. Of the rest of the package only the pytest
plugin and the notebook magic import this folder, when they are used; only this folder
imports rich.

`main` reads the command line; `target` finds the function, `values` its arguments,
`derivative` asks the compiler for text, `check` compares with differences, `show`
prints. `index` gathers the pages of what tests checked, for the pytest plugin.
"""
