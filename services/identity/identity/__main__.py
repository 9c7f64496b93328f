from chassis.main import serve

from identity.service import build
from identity.settings import IdentitySettings

serve(build, IdentitySettings)
