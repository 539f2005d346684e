"""Experiments that together contain every pair of methods, or all pairs of one method."""

import itertools
import random
from collections.abc import Mapping, Sequence

Choice = dict[str, str]  # factor -> level
Pairs = set[tuple[tuple[str, str], ...]]  # two of a choice's items each, sorted


def pairs_of(choice: Choice) -> Pairs:
    """Return every two levels that ``choice`` combines."""
    return set(itertools.combinations(sorted(choice.items()), 2))


def covering_array(factors: Mapping[str, Sequence[str]], seed: int = 0) -> list[Choice]:
    """Return choices of one level for each factor in which any two levels of two factors meet.

    A covering array of strength two. Greedy: each choice starts from a pair that is still missing,
    and takes for the other factors, in random order, the level that adds most missing pairs; the
    best of several tries is kept.
    """
    source = random.Random(seed)
    missing: Pairs = {
        tuple(sorted(((f, level), (g, other))))
        for f, g in itertools.combinations(factors, 2)
        for level in factors[f]
        for other in factors[g]
    }
    choices: list[Choice] = []
    while missing:
        tries = [_grown(factors, missing, source) for _ in range(20)]
        best = max(tries, key=lambda choice: len(pairs_of(choice) & missing))
        missing -= pairs_of(best)
        choices.append({factor: best[factor] for factor in factors})
    return choices


def choices_with(
    factors: Mapping[str, Sequence[str]], factor: str, level: str, seed: int = 0
) -> list[Choice]:
    """Return the fewest choices in which ``level`` meets every level of every other factor.

    The other levels take turns, in an order that is drawn for each factor.
    """
    source = random.Random(seed)
    turns = {
        name: [level] if name == factor else source.sample(levels, len(levels))
        for name, levels in factors.items()
    }
    count = max(map(len, turns.values()))
    return [{name: own[turn % len(own)] for name, own in turns.items()} for turn in range(count)]


def _grown(factors: Mapping[str, Sequence[str]], missing: Pairs, source: random.Random) -> Choice:
    choice: Choice = dict(source.choice(sorted(missing)))
    others = [factor for factor in factors if factor not in choice]
    source.shuffle(others)
    for factor in others:
        levels = list(factors[factor])
        source.shuffle(levels)

        def gain(level: str, factor: str = factor) -> int:
            new = {tuple(sorted(((factor, level), item))) for item in choice.items()}
            return len(new & missing)

        choice[factor] = max(levels, key=gain)
    return choice
