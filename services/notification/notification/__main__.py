from chassis.main import serve

from notification.service import build
from notification.settings import Settings

serve(build, Settings)
