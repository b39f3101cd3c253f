"""Lay out printed lines as Black does, at 88 columns.

In: the tokens of astor's generator, where an item of newlines ends a line. Out: the
text. A line that fits is joined as it is. Otherwise the right-hand side goes into
parentheses and breaks before its loosest operators, or the last bracket opens onto
lines of its own.
"""

from __future__ import annotations

WIDTH = 88
OPEN = frozenset("([{")
CLOSE = frozenset(")]}")
HEADS = ("return", "if ", "elif ", "while ", "assert ")
LOOSEST = tuple(
    frozenset(f" {op} " for op in level.split(","))
    for level in (
        "if,else",
        "or",
        "and",
        "==,!=,<,<=,>,>=,in,not in,is,is not",
        "|",
        "^",
        "&",
        "<<,>>",
        "+,-",
        "*,/,//,%,@",
    )
)
ASSIGN = frozenset(
    f" {op} " for op in "=,+=,-=,*=,/=,//=,%=,@=,**=,|=,&=,^=".split(",")
)

Line = tuple[int, str]
Tokens = list[str]


def layout(source: list[str]) -> str:
    """Join tokens to text, breaking the lines that are too long."""
    out: list[str] = []
    line: Tokens = []
    for item in source:
        if item.startswith("\n") and not item.strip("\n"):
            _flush(line, out)
            out.append(item)
        else:
            line.append(item)
    _flush(line, out)
    return "".join(out)


def _flush(line: Tokens, out: list[str]) -> None:
    text = "".join(line).rstrip()
    if len(text) > WIDTH and "\n" not in text and not text.lstrip().startswith("#"):
        indent = len(text) - len(text.lstrip())
        tokens = [t for t in line if t]
        if indent:
            tokens = tokens[1:]
        text = "\n".join(" " * i + t for i, t in _explode(tokens, indent))
    if text:
        out.append(text)
    line.clear()


def _depths(tokens: Tokens) -> list[int]:
    depth, out = 0, []
    for token in tokens:
        depth -= token in CLOSE
        out.append(depth)
        depth += token in OPEN
    return out


def _loosest(tokens: Tokens, depths: list[int]) -> frozenset[str] | None:
    """Return the operators at depth 0 that bind least."""
    top = {t for t, d in zip(tokens, depths, strict=True) if d == 0}
    return next((level for level in LOOSEST if level & top), None)


def _explode(tokens: Tokens, indent: int) -> list[Line]:
    """Break one logical line."""
    text = "".join(tokens).rstrip()
    if indent + len(text) <= WIDTH:
        return [(indent, text)]
    depths = _depths(tokens)
    if tokens[0] == "for " and ", " in tokens:
        middle = tokens.index(" in ")
        if any(
            t == ", " and d == 0 for t, d in zip(tokens, depths[:middle], strict=False)
        ):
            tail = "".join([")", *tokens[middle:]]).rstrip()
            return [
                (indent, "for ("),
                *_body(tokens[1:middle], indent + 4),
                (indent, tail),
            ]
    wrapped = _wrap_right_side(tokens, depths, indent)
    if wrapped is not None:
        return wrapped
    closers = [i for i, t in enumerate(tokens) if t in CLOSE and depths[i] == 0]
    for end in reversed(closers):
        start = max(i for i in range(end) if tokens[i] in OPEN and depths[i] == 0)
        head = "".join(tokens[: start + 1])
        if end > start + 1 and indent + len(head) <= WIDTH:
            inside = tokens[start + 1 : end]
            if _is_display(inside):
                # `np.array([`: the items are indented once, not twice.
                head, inside, end = head + inside[0], inside[1:-1], end - 1
            inner = _body(inside, indent + 4)
            return [(indent, head), *inner, (indent, "".join(tokens[end:]).rstrip())]
    return [(indent, text)]


def _is_display(tokens: Tokens) -> bool:
    """Say whether tokens are one list, tuple or dictionary and nothing else."""
    depths = _depths(tokens)
    if tokens[0] not in OPEN or tokens[-1] not in CLOSE:
        return False
    return len(tokens) > 2 and 0 not in depths[1:-1]


def _wrap_right_side(
    tokens: Tokens, depths: list[int], indent: int
) -> list[Line] | None:
    """Put a right-hand side that can break into parentheses."""
    equals = [i for i, t in enumerate(tokens) if t in ASSIGN and depths[i] == 0]
    if equals:
        start = equals[-1] + 1
    elif tokens[0] in HEADS:
        start = 1
    else:
        return None
    end = len(tokens) - (tokens[-1] == ":")
    head = "".join(tokens[:start])
    right = tokens[start:end]
    if right and right[0] == " ":
        head, right = head + " ", right[1:]
    inner = _depths(right)
    commas = any(t == ", " and d == 0 for t, d in zip(right, inner, strict=True))
    if not commas and _loosest(right, inner) is None:
        return None
    if tokens[0] == "assert " and commas:
        return None
    tail = "".join(tokens[end:])
    return [(indent, head + "("), *_body(right, indent + 4), (indent, ")" + tail)]


def _body(tokens: Tokens, indent: int) -> list[Line]:
    """Lay out what stands between brackets."""
    text = "".join(tokens).strip()
    depths = _depths(tokens)
    commas = [i for i, t in enumerate(tokens) if t == ", " and depths[i] == 0]
    if indent + len(text) <= WIDTH:
        return [(indent, text)]
    out: list[Line] = []
    if commas:
        for start, end in zip([-1, *commas], [*commas, len(tokens)], strict=True):
            part = _body(tokens[start + 1 : end], indent)
            out += [*part[:-1], (part[-1][0], part[-1][1] + ",")]
        return out
    level = _loosest(tokens, depths)
    if level is None:
        return _explode(tokens, indent)
    cuts = [i for i, t in enumerate(tokens) if t in level and depths[i] == 0]
    for start, end in zip([0, *cuts], [*cuts, len(tokens)], strict=True):
        if end > start:
            term = [tokens[start].lstrip(), *tokens[start + 1 : end]]
            out += _body(term, indent) if start == 0 else _explode(term, indent)
    return out
