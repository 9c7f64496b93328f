"""The shop before any history: accounts, and a few products that nobody has bought yet."""

from soko import seeding
from soko.simulation.chance import Weather, stream
from soko.simulation.clock import VirtualLoop
from soko.simulation.ground import Ground
from soko.simulation.misfortune import Misfortune
from soko.simulation.people import Person, Shop
from soko.simulation.stage import Stage

SEED = 0
SKUS = ("KET-1", "MUG-2", "TEA-3", "JAR-4")
STOCK = (2, 5, 9, 14)
PRICES = ("2499.00", "350.00", "120.00", "999.50")
COUPONS: tuple[dict[str, object], ...] = (
    {"code": "LAST", "percent": 15, "max_uses": 1},
    {"code": "EACH", "amount": {"amount": "99.99", "currency": "KES"}, "max_uses_per_customer": 1, "max_uses": 3},
    {"code": "SENT", "free_shipping": True},
)
ADMIN = "admin@soko.example"
STAFF = "staff@soko.example"
CUSTOMERS = ("amina@soko.example", "brian@soko.example")
CALM = Weather({}, broker=False, flowing=False, staying=0.0, patience=0.0, actions=0)


async def open_shop(ground: Ground, loop: VirtualLoop) -> None:
    """Make all that on empty databases, one thing after the other."""
    misfortune = Misfortune(CALM, stream(SEED, "misfortune"))
    stage = Stage(ground, loop, misfortune, SEED, broker=False, flowing=False)
    for process in stage.processes.values():
        await process.start()
    password = seeding.demo_password()
    identity = stage.processes["identity"].part
    await seeding.create_admin(identity, ADMIN, password)
    shop = Shop(stage.door, loop, stage.ids, SKUS, lambda line: None, password, misfortune.tally)
    admin = Person("admin", shop, stream(SEED, "admin"), ADMIN)
    await admin.log_in()
    for email in (STAFF, *CUSTOMERS):
        role = "staff" if email == STAFF else "customer"
        await _made(admin, "/users", {"email": email, "password": password, "role": role})
    await _made(admin, "/categories", {"name": "Kitchen"})
    for sku, stock, price in zip(SKUS, STOCK, PRICES, strict=True):
        body = {"name": sku, "category_id": "kitchen", "price": {"amount": price, "currency": "KES"}, "sku": sku}
        await _made(admin, "/products", {**body, "initial_stock": stock})
    for coupon in COUPONS:
        await _made(admin, "/coupons", coupon)
    busy = True
    while busy:
        busy = False
        for process in stage.processes.values():
            for name, step in process.steps.items():
                if name != "jobs":
                    busy = bool(await step()) or busy
    stage.die()


async def _made(admin: Person, path: str, body: dict[str, object]) -> None:
    answer = await admin.ask("POST", path, body)
    if answer.status != 201:
        raise RuntimeError(f"the shop cannot be opened: {path} was answered {answer.status}: {answer.body}")
