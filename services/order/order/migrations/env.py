from chassis import migrations
from order.tables import metadata

migrations.run(metadata)
