# gateway/ is a folder and, in it, a package of the same name: imported first, the package is what tests get.
import gateway  # noqa: F401

pytest_plugins = [
    "seeds",
    "side_by_side",
    "chassis.fixtures",
    "chassis.rabbit_fixtures",
    "chassis.redis_fixtures",
    "shopping",
    "cast",
    "past",
    "thoroughness",
    "behind",
]
