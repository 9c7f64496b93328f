from chassis import migrations
from inventory.tables import metadata

migrations.run(metadata)
