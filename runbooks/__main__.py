"""``python -m runbooks`` is the command ``runbooks``."""

from runbooks.cli import main

main()
