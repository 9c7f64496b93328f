from chassis.main import serve

from inventory.service import build
from inventory.settings import Settings

serve(build, Settings)
