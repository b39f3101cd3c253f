"""Tree and argument types in, IR out: inference, folding and lowering in one walk."""
