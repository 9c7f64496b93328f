from chassis.main import serve

from cart.service import build

serve(build)
