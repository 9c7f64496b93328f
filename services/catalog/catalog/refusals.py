"""The catalog's own ways of saying no."""

from chassis.http import problem_type

SKU_TAKEN = problem_type(
    "sku-taken",
    409,
    "The SKU is taken",
    when="Another variant has this SKU, or the request names it twice.",
    client="Choose another SKU, or change the variant that has it.",
)
CATEGORY_IN_USE = problem_type(
    "category-in-use",
    409,
    "The category is in use",
    when="The category to be deleted has products, or categories below it.",
    client="Move them elsewhere first.",
)
CATEGORY_CYCLE = problem_type(
    "category-cycle",
    409,
    "A category cannot stand below itself",
    when="The new parent is the category itself or one below it.",
    client="Choose a parent outside of the category.",
)
LAST_VARIANT = problem_type(
    "last-variant",
    409,
    "The last variant stays",
    when="The variant to be removed is the only one of its product.",
    client="Archive the product, or add another variant first.",
)
TOO_MANY_VARIANTS = problem_type(
    "too-many-variants",
    409,
    "Too many variants",
    when="The product has as many variants as a product may have.",
    client="Make another product.",
)
ALREADY_REVIEWED = problem_type(
    "already-reviewed",
    409,
    "Reviewed already",
    when="The customer has a review of this product.",
    client="Change or delete that one: GET /reviews?mine=true finds it.",
)
TOO_MANY_IMAGES = problem_type(
    "too-many-images",
    409,
    "Too many pictures",
    when="The product has as many pictures as a product may have.",
    client="Delete one first.",
)
