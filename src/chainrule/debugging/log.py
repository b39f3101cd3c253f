"""What the compiler and its cache do, as messages of `logging`.

In: `CHAINRULE_LOG=stages,cache,guards,rules` (or `all`) in the environment. Out: four
loggers, `chainrule.stages` and so on; the topics that are named go to standard error.
Without the variable they are ordinary loggers, silent until a program asks for `DEBUG`.

* `stages`: the IR after each pass, and the text;
* `cache`: hits, misses and why a guard failed, what was built and how long it took;
* `guards`: what a derivative relies on, and the test for it;
* `rules`: which rule was written out where.
"""

from __future__ import annotations

import logging
import os
import sys

TOPICS = ("stages", "cache", "guards", "rules")
# Whoever reads all messages of the program has not asked for ours yet.
logging.getLogger("chainrule").setLevel(logging.WARNING)
stages, cache, guards, rules = (logging.getLogger(f"chainrule.{t}") for t in TOPICS)


def listens(logger: logging.Logger) -> bool:
    """Say whether anybody reads the messages of a topic."""
    return logger.isEnabledFor(logging.DEBUG)


def start(wanted: str) -> None:
    """Send topics to standard error."""
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    unknown = [name for name in names if name not in (*TOPICS, "all")]
    if unknown:
        logging.getLogger("chainrule").warning(
            "CHAINRULE_LOG: no topic %s; there are %s and all",
            ", ".join(unknown),
            ", ".join(TOPICS),
        )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    for name in TOPICS:
        if name in names or "all" in names:
            logger = logging.getLogger(f"chainrule.{name}")
            logger.setLevel(logging.DEBUG)
            logger.addHandler(handler)
            logger.propagate = False


start(os.environ.get("CHAINRULE_LOG", ""))
