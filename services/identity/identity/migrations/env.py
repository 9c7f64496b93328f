from chassis.migrations import run
from identity.tables import metadata

run(metadata)
