"""`python -m nbbanana` is `nbbanana`."""

import sys

from nbbanana.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
