from chassis.migrations import run
from chassis.tables import metadata

run(metadata)
