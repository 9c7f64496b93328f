from cart.tables import metadata
from chassis import migrations

migrations.run(metadata)
