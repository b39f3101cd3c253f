"""Run the command as `python -m chainrule.inspector`."""

import sys

from chainrule.inspector.main import main

if __name__ == "__main__":
    sys.exit(main())
