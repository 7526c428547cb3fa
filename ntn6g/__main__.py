"""`python -m ntn6g` is the command `ntn6g`."""

import sys

from ntn6g.study.cli import main

sys.exit(main())
