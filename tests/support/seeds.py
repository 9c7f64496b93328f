"""Seeds that a test run draws once: a pytest plugin, so that they are drawn before tests are spread over processes.

Each stands in the names of its tests; in the environment, ``KILL_SEED=17``, it is given instead.
"""

import os
import random


def _drawn(name: str) -> int:
    """Left in the environment, where the processes of this run find it too."""
    if not os.environ.get(name):
        os.environ[name] = str(random.SystemRandom().randrange(10_000))
    return int(os.environ[name])


FAULT_SEED = _drawn("FAULT_SEED")
KILL_SEED = _drawn("KILL_SEED")
SCHEMATHESIS_SEED = _drawn("SCHEMATHESIS_SEED")
