from chassis.main import serve

from catalog.service import build
from catalog.settings import Settings

serve(build, Settings)
