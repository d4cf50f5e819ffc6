"""`python -m rasolve`: the command line."""

import sys

from rasolve.cli import main

sys.exit(main())
