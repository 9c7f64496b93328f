"""How long Hypothesis looks: briefly in ``make test``, long in ``make test-long``, the same each time for mutation."""

from hypothesis import Phase, settings

settings.register_profile("long", max_examples=1_500, deadline=None)
settings.register_profile(
    "mutation", max_examples=40, deadline=None, derandomize=True, database=None, phases=[Phase.generate]
)


def runs(briefly: int, steps: int = 50) -> settings:
    """So many runs in a brief test, those of a state machine of up to so many steps; other profiles in proportion."""
    profile = settings()
    examples = max(1, briefly * profile.max_examples // 100)
    return settings(profile, max_examples=examples, stateful_step_count=steps, deadline=None)
