"""A program that writes ratings to a service until it is killed, and says when each is in the log.

    python writing.py BUNDLE FIRST LAST LOG

Rating n is user 1000 + n's, of item 1, with the key "n"; each acknowledged one is a line, "n p"
with its position. `LOG` is a URL, or "" for the file beside the bundle.
"""

import sys

from penchant.serve import Rating, Service
from penchant.serve.log import database

database.PATIENCE = 600.0  # for slow machines


def main(bundle, first, last, log):
    with Service.open(bundle, log or None, compact_after=None) as service:
        for n in range(int(first), int(last)):
            written = service.rate([Rating(1000 + n, 1, 4.0)], key=str(n))
            print(n, written.position, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
