from chassis.main import serve

from order.service import build
from order.settings import Settings

serve(build, Settings)
