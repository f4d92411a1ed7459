"""What a comparison means, in words: rules as data, the first of each topic that holds speaks.

Points are hundredths of the metric. A claim is made only where the interval shows it; where rows
cannot tell, that is what is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textgraft.core.durations import duration_words
from textgraft.experiments.intervals import Interval

ENOUGH = 0.01
"""A difference below one point is worth nobody's time."""

QUICK = 10.0
"""Seconds of learning that nobody needs to save."""

WIDE = 0.05
"""Half an interval from which a score says little."""


@dataclass(frozen=True)
class Findings:
    """The numbers that rules look at, all with as many labels as there were.

    Attributes:
        best: the method with the highest score.
        best_score: its score.
        cheap: the method to weigh it against: of those that learn clearly faster, the fastest that no
            interval shows to be more than a point behind; else the best of them. ``None`` where there
            is no faster one.
        gap: the best's score less that of ``cheap``.
        seconds: that the best and ``cheap`` take to learn.
        n_methods: that did not fail.
        failed: methods that did.
        n_seeds: how many.
        n_scored: rows scored with each.
        doubling: what twice as many labels last brought :attr:`taken`.
        cheap_doubling: what they last brought ``cheap``.
        labels_over_model: that less ``gap``: whether labels brought more than the dearer method.
        more_labels: rows that it would take to have twice as many.
        early: the best method with the fewest labels, where it is another one.
        early_size: with how many of each class.
        early_lead: its score less that of ``best`` there.
    """

    best: str
    best_score: Interval
    cheap: str | None
    gap: Interval | None
    seconds: tuple[float, float]
    n_methods: int
    failed: tuple[str, ...]
    n_seeds: int
    n_scored: int
    doubling: Interval | None = None
    cheap_doubling: Interval | None = None
    labels_over_model: Interval | None = None
    more_labels: int = 0
    early: str | None = None
    early_size: str = ""
    early_lead: Interval | None = None

    @property
    def taken(self) -> str:
        """The method to take: the cheap one unless the best is shown to be ahead by more than a point."""
        return taken(self.best, self.cheap, self.gap)

    @property
    def quick(self) -> bool:
        """Whether neither costs anything to speak of."""
        return max(self.seconds) < QUICK


def taken(best: str, cheap: str | None, gap: Interval | None) -> str:
    """See :attr:`Findings.taken`."""
    return cheap if cheap and gap is not None and (gap.low <= 0 or gap.high <= ENOUGH) else best


@dataclass(frozen=True)
class Advice:
    """One sentence, and the rule that said it."""

    topic: str
    rule: str
    words: str


@dataclass(frozen=True)
class Rule:
    """One thing to say.

    Attributes:
        topic: of each, only the first rule that holds speaks.
        name: for tests and for machines.
        holds: whether the findings are of this kind.
        says: the sentence, with the names of :func:`_words` in braces.
    """

    topic: str
    name: str
    holds: Callable[[Findings], bool]
    says: str


def _gap(test: Callable[[Interval], bool]) -> Callable[[Findings], bool]:
    return lambda found: found.gap is not None and test(found.gap)


def _labels(test: Callable[[Interval], bool]) -> Callable[[Findings], bool]:
    return lambda found: found.doubling is not None and test(found.doubling)


def _labels_against_model(test: Callable[[Interval], bool]) -> Callable[[Findings], bool]:
    # where both are quick there is nothing to weigh
    return lambda found: (
        found.labels_over_model is not None and not found.quick and test(found.labels_over_model)
    )


RULES = (
    Rule(
        "method",
        "alone",
        lambda found: found.n_methods == 1,
        "Only `{best}` was measured to the end: there is nothing to weigh it against.",
    ),
    Rule(
        "method",
        "cheapest-is-best",
        lambda found: found.cheap is None,
        "`{best}` has the highest score, and no other method learns clearly faster: nothing dearer is shown "
        "to be worth its cost.",
    ),
    Rule(
        "method",
        "stop-here",
        _gap(lambda gap: gap.high <= ENOUGH),
        "`{cheap}` is within {gap} points of `{best}` {at_cost}; stop here.",
    ),
    Rule(
        "method",
        "cannot-tell",
        _gap(lambda gap: gap.low <= 0),
        "`{best}` is {gap} points ahead of `{cheap}`, which learns {cost}, so these rows cannot tell "
        "whether it is better at all: take `{cheap}`, or measure with more seeds or rows.",
    ),
    Rule(
        "method",
        "both-are-quick",
        lambda found: found.gap is not None and found.quick,
        "Take `{best}`: it is {gap} points ahead of `{cheap}`, and both learn within seconds.",
    ),
    Rule(
        "method",
        "dearer-pays",
        _gap(lambda gap: gap.low > 0),
        "`{best}` is {gap} points ahead of `{cheap}`, which learns {cost}: the dearer one pays if that "
        "is worth it to you.",
    ),
    Rule(
        "labels",
        "labels-over-model",
        _labels_against_model(lambda more: more.low > 0),
        "{more_labels} more labels are worth more than a larger model: the last doubling of labels brought "
        "`{cheap}` {cheap_doubling} points, `{best}` brings {gap}.",
    ),
    Rule(
        "labels",
        "model-over-labels",
        _labels_against_model(lambda more: more.high < 0),
        "A dearer method is worth more than {more_labels} more labels: `{best}` brings {gap} points, the "
        "last doubling of labels brought `{cheap}` {cheap_doubling}.",
    ),
    Rule(
        "labels",
        "labels-enough",
        _labels(lambda gain: gain.high <= ENOUGH),
        "More labels of this kind would bring little: the last doubling brought `{taken}` {doubling} points.",
    ),
    Rule(
        "labels",
        "labels-pay",
        _labels(lambda gain: gain.low > 0),
        "Labels still pay: the last doubling brought `{taken}` {doubling} points; another takes "
        "{more_labels} more, and as a rule brings less.",
    ),
    Rule(
        "labels",
        "labels-cannot-tell",
        _labels(lambda _: True),
        "The last doubling of labels brought `{taken}` {doubling} points: these rows cannot tell "
        "whether more labels would help.",
    ),
    Rule(
        "few labels",
        "another-with-few",
        lambda found: found.early_lead is not None and found.early_lead.low > 0,
        "With few labels it is another: with {early_size} of each class `{early}` is {early_lead} points "
        "ahead of `{best}`.",
    ),
    Rule(
        "trust",
        "wide",
        lambda found: found.best_score.half > WIDE,
        "The score of `{best}` is known to ± {half} points only, from {n_scored} scored rows with "
        "{n_seeds}: more seeds, or a larger test file, before much is decided on it.",
    ),
    Rule(
        "seeds",
        "one-seed",
        lambda found: found.n_seeds == 1,
        "With one seed the intervals know of the scored rows alone, not of the draw of the rows learned "
        "from: --seeds 3 or more.",
    ),
    Rule(
        "failures",
        "some-failed",
        lambda found: bool(found.failed),
        "Not compared with all rows, because they failed: {failed}.",
    ),
)


def advise(found: Findings, rules: tuple[Rule, ...] = RULES) -> tuple[Advice, ...]:
    """The first rule of each topic that holds, in their order."""
    said: dict[str, Advice] = {}
    words = _words(found)
    for rule in rules:
        if rule.topic not in said and rule.holds(found):
            said[rule.topic] = Advice(rule.topic, rule.name, rule.says.format(**words))
    return tuple(said.values())


def _words(found: Findings) -> dict[str, str]:
    of_best, of_cheap = found.seconds
    return {
        "best": found.best,
        "cheap": found.cheap or "",
        "taken": found.taken,
        "gap": points(found.gap),
        "cost": f"in {duration_words(of_cheap)} where that takes {duration_words(of_best)}",
        "at_cost": _share(of_cheap, of_best),
        "doubling": points(found.doubling),
        "cheap_doubling": points(found.cheap_doubling),
        "more_labels": f"{found.more_labels:,}",
        "early": found.early or "",
        "early_size": found.early_size,
        "early_lead": points(found.early_lead),
        "half": f"{100 * found.best_score.half:.1f}",
        "n_scored": f"{found.n_scored:,}",
        "n_seeds": "one seed" if found.n_seeds == 1 else f"each of {found.n_seeds:,} seeds",
        "failed": ", ".join(f"`{name}`" for name in found.failed),
    }


def points(interval: Interval | None, *, signed: bool = False) -> str:
    """``0.4 ± 0.6`` points, or ``+0.4 ± 0.6`` where a sign is asked for."""
    if interval is None:
        return ""
    value = f"{100 * interval.value:{'+' if signed else ''}.1f}"
    return f"{value} ± {100 * interval.half:.1f}".replace("-", "−")


def _share(cheap: float, dear: float) -> str:
    """How much less time, as a fraction people can see."""
    if cheap <= 0 or dear / cheap >= 1.95:
        return f"at 1/{round(dear / max(cheap, 1e-9)):,} of the time to learn"
    return f"in less time to learn ({duration_words(cheap)}, not {duration_words(dear)})"
