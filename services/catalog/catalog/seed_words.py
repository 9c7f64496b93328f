"""What the demo shop sells: a tree three levels deep, and the words its products are made of.

A leaf lists its goods; a good has a name, the range of its price in whole units of money, and how it comes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

BRANDS: Final = (
    *("Savanna", "Jiko", "Mara", "Tembo", "Baraka", "Kilele", "Umoja", "Nuru", "Pwani", "Zuri", "Rafiki", "Chui"),
    *("Highland", "Acacia", "Rift", "Malaika", "Simba", "Tamu", "Lulu", "Amani", "Nyota", "Kifaru", "Bahari", "Upepo"),
)
SERIES: Final = (
    *("Classic", "Everyday", "Pro", "Lite", "Plus", "Original", "Select", "Compact", "Heritage", "Urban", "Nomad"),
    *("Prime", "Basic", "Studio", "Active", "Comfort"),
)

COLOURS: Final = ("Black", "White", "Red", "Blue", "Green", "Sand", "Grey", "Terracotta")
COMES_IN: Final[Mapping[str, tuple[str, Sequence[str]]]] = {
    "clothes": ("size", ("S", "M", "L", "XL")),
    "shoes": ("size", ("38", "40", "42", "44")),
    "children": ("size", ("2 years", "4 years", "6 years")),
    "colours": ("colour", COLOURS),
    "weights": ("weight", ("250 g", "500 g", "1 kg")),
    "volumes": ("volume", ("500 ml", "1 l", "5 l")),
    "storage": ("storage", ("128 GB", "256 GB", "512 GB")),
    "beds": ("size", ("Single", "Double", "King")),
}
DEARER: Final = frozenset({"weights", "volumes", "storage", "beds"})
"""Ways in which the larger variant costs more."""

MATERIALS: Final = ("steel", "cotton", "bamboo", "recycled plastic", "glass", "acacia wood", "aluminium", "linen")
REGIONS: Final = ("Kericho", "Nyeri", "Kiambu", "Embu", "Meru", "Machakos", "Kilifi", "Nakuru")
CONSUMED: Final = frozenset({"Groceries", "Beauty"})
"""Tops of the tree whose goods are used up: they come from somewhere, and have no warranty."""

PRAISE: Final = (
    "Made to be used every day and easy to keep clean.",
    "A favourite in small homes, because it takes little room.",
    "Tested in Nairobi homes, markets and matatus.",
    "Simple, sturdy, and repaired rather than thrown away: spare parts are in stock.",
    "Comes in plain packaging that goes into the paper bin.",
    "Designed with people who use it for a living.",
)
PRAISE_CONSUMED: Final = (
    "From small farms that are paid above the market.",
    "Nothing added, nothing taken away.",
    "Packed within a week of the harvest.",
    "A favourite that families come back for.",
    "In packaging that can be filled again at our counter.",
    "Best kept cool, dry and out of the sun.",
)


@dataclass(frozen=True, slots=True)
class Good:
    """A kind of product: ``low`` to ``high`` is its price, ``comes`` a key of ``COMES_IN``."""

    name: str
    low: int
    high: int
    comes: str | None = None


def _goods(*lines: tuple[str, int, int] | tuple[str, int, int, str]) -> tuple[Good, ...]:
    return tuple(Good(*line) for line in lines)


TREE: Final[Mapping[str, Mapping[str, Mapping[str, tuple[Good, ...]]]]] = {
    "Home": {
        "Kitchen": {
            "Kettles": _goods(("Kettle", 1800, 6500), ("Gooseneck Kettle", 3200, 8900), ("Travel Kettle", 1500, 3200)),
            "Cookware": _goods(("Frying Pan", 1200, 5400), ("Sufuria Set", 1900, 7200), ("Cast Iron Pot", 3500, 12000)),
            "Knives": _goods(("Chef's Knife", 900, 8500), ("Bread Knife", 700, 3900), ("Knife Sharpener", 600, 2800)),
            "Food Storage": _goods(("Storage Jar", 350, 1600, "volumes"), ("Lunch Box", 600, 2400, "colours")),
        },
        "Bedroom": {
            "Bedding": _goods(("Duvet Cover", 2800, 9800, "beds"), ("Fitted Sheet", 1200, 4200, "beds")),
            "Pillows": _goods(("Pillow", 900, 4500), ("Travel Pillow", 700, 2200, "colours")),
            "Lamps": _goods(("Bedside Lamp", 1500, 6800), ("Reading Lamp", 1300, 5200), ("Solar Lantern", 1100, 4800)),
        },
        "Bathroom": {
            "Towels": _goods(("Bath Towel", 900, 3800, "colours"), ("Hand Towel", 350, 1400, "colours")),
            "Bath Accessories": _goods(("Shower Curtain", 1100, 3600), ("Soap Dispenser", 500, 2100)),
        },
    },
    "Electronics": {
        "Phones": {
            "Smartphones": _goods(("Smartphone", 14000, 118000, "storage")),
            "Phone Accessories": _goods(
                ("Phone Case", 500, 2500, "colours"), ("Power Bank", 1800, 7500), ("Fast Charger", 900, 4200)
            ),
        },
        "Audio": {
            "Headphones": _goods(("Headphones", 2500, 32000, "colours"), ("Earbuds", 1500, 18000)),
            "Speakers": _goods(("Bluetooth Speaker", 2200, 24000), ("Soundbar", 9500, 48000)),
        },
        "Computers": {
            "Laptops": _goods(("Laptop", 42000, 210000, "storage")),
            "Computer Accessories": _goods(
                ("Wireless Mouse", 900, 6200), ("Keyboard", 1500, 12500), ("USB-C Hub", 2100, 8800)
            ),
        },
    },
    "Fashion": {
        "Women": {
            "Dresses": _goods(("Wrap Dress", 2200, 9600, "clothes"), ("Maxi Dress", 2600, 12400, "clothes")),
            "Women's Shoes": _goods(("Sandals", 1400, 6800, "shoes"), ("Ballet Flats", 1800, 7400, "shoes")),
            "Bags": _goods(("Tote Bag", 1200, 7600, "colours"), ("Kiondo Basket", 1500, 6200)),
        },
        "Men": {
            "Shirts": _goods(("Oxford Shirt", 1800, 6400, "clothes"), ("T-Shirt", 800, 2900, "clothes")),
            "Men's Shoes": _goods(("Leather Boots", 4800, 16500, "shoes"), ("Running Shoes", 3900, 18500, "shoes")),
            "Watches": _goods(("Field Watch", 4500, 38000), ("Digital Watch", 1500, 9900)),
        },
        "Children": {
            "Children's Clothes": _goods(("Hoodie", 1100, 3600, "children"), ("Pyjamas", 900, 2800, "children")),
            "School": _goods(("School Bag", 1500, 5200, "colours"), ("Pencil Case", 300, 1200)),
        },
    },
    "Groceries": {
        "Drinks": {
            "Coffee": _goods(("Ground Coffee", 450, 1500, "weights"), ("Coffee Beans", 480, 1700, "weights")),
            "Tea": _goods(("Black Tea", 180, 900, "weights"), ("Purple Tea", 350, 1600, "weights")),
            "Juice": _goods(("Mango Juice", 160, 620, "volumes"), ("Passion Juice", 170, 640, "volumes")),
        },
        "Pantry": {
            "Grains": _goods(("Basmati Rice", 220, 980, "weights"), ("Millet Flour", 140, 520, "weights")),
            "Oils": _goods(("Sunflower Oil", 260, 900, "volumes"), ("Olive Oil", 780, 2900, "volumes")),
            "Spices": _goods(("Pilau Masala", 90, 420), ("Turmeric", 80, 360), ("Chilli Flakes", 80, 380)),
        },
    },
    "Sports": {
        "Fitness": {
            "Weights": _goods(("Dumbbell Pair", 1800, 9800), ("Kettlebell", 1500, 7600)),
            "Yoga": _goods(("Yoga Mat", 1100, 6200, "colours"), ("Yoga Block", 500, 1800)),
        },
        "Outdoors": {
            "Camping": _goods(("Two-Person Tent", 6500, 32000), ("Sleeping Bag", 3200, 14500)),
            "Cycling": _goods(("Cycling Helmet", 1900, 8900, "colours"), ("Bicycle Pump", 700, 3200)),
        },
    },
    "Beauty": {
        "Skin Care": {
            "Face": _goods(("Face Cream", 700, 5600), ("Face Serum", 900, 7200)),
            "Body": _goods(("Shea Butter", 350, 1900, "weights"), ("Body Lotion", 400, 2400, "volumes")),
        },
        "Hair": {
            "Hair Care": _goods(("Shampoo", 350, 2200, "volumes"), ("Hair Oil", 300, 1800)),
            "Hair Tools": _goods(("Hair Dryer", 1900, 12500), ("Wide-Tooth Comb", 150, 700)),
        },
    },
    "Garden and Tools": {
        "Garden": {
            "Planters": _goods(("Clay Planter", 400, 3200), ("Hanging Basket", 500, 2600)),
            "Garden Tools": _goods(("Panga", 500, 1900), ("Watering Can", 600, 2400), ("Hoe", 550, 2100)),
        },
        "Tools": {
            "Hand Tools": _goods(("Hammer", 500, 2900), ("Screwdriver Set", 700, 4800), ("Tape Measure", 250, 1400)),
            "Power Tools": _goods(("Cordless Drill", 5800, 28500), ("Angle Grinder", 4200, 18500)),
        },
    },
}
