from chassis.main import serve

from cart.service import build
from cart.settings import Settings

serve(build, Settings)
