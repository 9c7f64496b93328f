from chassis.migrations import run

from toy.tables import metadata

run(metadata)
