from chassis.main import serve

from payment.service import build
from payment.settings import Settings

serve(build, Settings)
