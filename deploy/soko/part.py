"""``python -m soko.part gateway``: the gateway or the simulated card gateway as a process of its own.

Their containers start this: it needs no more than they do, where the whole command needs every service.
"""

import sys

from chassis.servers import ServerFailed
from chassis.settings import broken
from pydantic import ValidationError

from soko.serve import serve
from soko.settings import ShopSettings


def main(arguments: list[str]) -> int:
    """Serve the part that the one argument names, until told to stop; 2 with a line where that cannot be."""
    try:
        (name,) = arguments
        serve(name, ShopSettings())
    except ServerFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 2
    except ValidationError as error:
        sys.stderr.write("\n".join([*broken(error), ""]))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
