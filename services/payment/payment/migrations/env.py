from chassis import migrations
from payment.tables import metadata

migrations.run(metadata)
