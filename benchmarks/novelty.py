"""Which confidence tells texts of no known class best, on training rows and on test files.

    python benchmarks/novelty.py choice:linear    what the usual confidence of linear was chosen by
    python benchmarks/novelty.py choice:blend     how a blend makes one confidence of its parts', likewise
    python benchmarks/novelty.py given            how out-of-scope rows that are given are learned from
    python benchmarks/novelty.py choice:finetune  of a method that trains a network, from at most 2,000 rows
    python benchmarks/novelty.py reach:linear     on test files, beside what was asked for
    python benchmarks/novelty.py reach:blend      likewise

For the choice some classes of a training file are unknown: a fifth of the rows of the others and
all of theirs are scored by a classifier that learned the rest. With ``given`` a hundred rows of these
classes are given as out-of-scope ones, and the new texts are others of the same classes, or of others.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import textgraft as tg
from common import mean_and_spread, rows, store, stored_rows
from textgraft.core.progress import unwatched
from textgraft.experiments.separation import separation
from textgraft.methods import method_class
from textgraft.methods.blend import BlendClassifier
from textgraft.methods.confidence.fusion import FUSED
from textgraft.methods.confidence.kinds import ALONE
from textgraft.methods.confidence.left_out import Kind, weighed_signs
from textgraft.methods.confidence.neighbour_signs import VOTED, voted_signs
from textgraft.methods.confidence.novelty import signs
from textgraft.methods.evidence import unit_rows
from textgraft.methods.knn import KNNClassifier
from textgraft.methods.linear import LinearClassifier, rough_look
from textgraft.methods.opinion_pool import placed
from textgraft.methods.probe import strength_of

SEEDS = (0, 1, 2)

UNKNOWN = {"banking77": 15, "clinc150": 30, "trec": 1}
"""Classes left out of each training file for the choice."""

MOST_GIVEN = 100
"""Rows of unknown classes that are learned from as out-of-scope ones."""

MOST_ROWS = 2_000
"""Taught to a network, and of each kind asked of it."""

WEIGHED: tuple[tuple[str, ...], ...] = (
    ("product", "mahalanobis"),
    ("margin", "nearest", "product", "mahalanobis"),
    ("margin", "nearest", "product", "mahalanobis", "energy", "neighbours"),
    ("margin", "nearest", "product", "mahalanobis", "energy", "neighbours", "probability"),
)

VOTED_TOGETHER: tuple[tuple[str, ...], ...] = (
    ("similarity", "belief"),
    ("similarity", "belief", "around"),
    ("similarity", "belief", "neighbours"),
    ("similarity", "belief", "neighbours", "around"),
)

TASKS: dict[str, dict[str, Any]] = {
    "clinc150": {"data": "clinc150", "outside": False, "unknown": 0, "auroc": 0.975, "fpr": 0.12},
    "clinc150, out-of-scope rows given": {
        "data": "clinc150", "outside": True, "unknown": 0, "auroc": 0.980, "fpr": 0.09, "accuracy": 0.955,
    },
    "banking77, 15 classes unknown": {"data": "banking77", "outside": False, "unknown": 15},
}  # fmt: skip
"""What is learned, and what was asked for."""


OWN = "its own"

CONFIDENCES = {"blend": (OWN,), "knn": ("similarity", "auto")}
"""Of methods that leave another choice than most, or none."""


def drawn(data: str, n_unknown: int, seed: int) -> set[str]:
    """Classes that are taken for unknown."""
    names = sorted(set(rows(f"{data}_train")[1]) - {"oos"})
    return set(np.random.default_rng(seed).choice(names, n_unknown, replace=False).tolist())


Taught = tuple[list[str], list[str]]
"""Texts and labels."""

Candidates = Callable[[str, int], dict[str, tuple[float, float]]]


def choice(stored: str, judged: Candidates) -> None:
    """AUROC and FPR of every candidate on training rows, by data set and seed."""
    table: list[dict[str, Any]] = []
    for data in UNKNOWN:
        found: dict[str, list[tuple[float, float]]] = {}
        for seed in SEEDS:
            for name, pair in judged(data, seed).items():
                found.setdefault(name, []).append(pair)
        for name, pairs in found.items():
            table.append({"data": data, "unknown": UNKNOWN[data], "confidence": name} | _means(pairs))
            print(table[-1], flush=True)
        store(stored, {"table": table})


def chosen_from(data: str, seed: int) -> dict[str, tuple[float, float]]:
    """Every sign alone, and several weighed: AUROC and FPR at 95 % TPR."""
    taught, known_texts, new_texts = parted(data, seed)
    clf = LinearClassifier(confidence="product", seed=seed).fit(*taught)
    vectors, known, new = map(clf.encoder_.encode, (taught[0], known_texts, new_texts))
    learned, look = clf.learned_, rough_look(strength_of(clf.C, len(clf.classes_)))

    def seen(names: Sequence[str], features: np.ndarray) -> np.ndarray:
        return signs(tuple(names), learned.logits(features), features, learned.of_classes)

    found = {name: separation(*(seen((name,), some)[:, 0] for some in (known, new))) for name in ALONE}
    for names in WEIGHED:
        weighed = weighed_signs(
            vectors, clf.train_codes_, new[:0], ("classes",), names, look, seed, unwatched
        )
        pair = separation(*(weighed.familiarity(seen(names, some)) for some in (known, new)))
        found["fusion of " + ", ".join(names)] = pair
    return found


ASKED = (
    ("banking77", "alike"),
    ("banking77", "other"),
    ("clinc150", "alike"),
    ("clinc150", "other"),
    ("clinc150", "its own"),
)
"""Data set, and which new texts are asked where some are given (:func:`parted_beside`)."""

GIVEN: tuple[tuple[Kind, ...], ...] = (("outside",), ("classes",), ("classes", "outside"))
"""Kinds of new texts that signs are weighed by."""


def given() -> None:
    """AUROC and FPR of signs weighed by several kinds of new texts, where some are given."""
    table: list[dict[str, Any]] = []
    for data, asked in ASKED:
        found: dict[tuple[Kind, ...], list[tuple[float, float]]] = {}
        for seed in SEEDS:
            (texts, labels), few, known_texts, new_texts = parted_beside(data, asked, seed)
            clf = LinearClassifier(confidence="product", seed=seed).fit(texts, labels)
            vectors, outside, known, new = map(clf.encoder_.encode, (texts, few, known_texts, new_texts))
            look = rough_look(strength_of(clf.C, len(clf.classes_)))
            learned = replace(clf.learned_, outside=unit_rows(outside).astype(np.float16))
            for kinds in GIVEN:
                weighed = weighed_signs(
                    vectors, clf.train_codes_, outside, kinds, FUSED, look, seed, unwatched
                )
                seen = [
                    signs(weighed.signs, learned.logits(some), unit_rows(some), learned.of_classes)
                    for some in (known, new)
                ]
                found.setdefault(kinds, []).append(separation(*map(weighed.familiarity, seen)))
        for kinds, pairs in found.items():
            table.append({"data": data, "asked": asked, "kinds": " and ".join(kinds)} | _means(pairs))
            print(table[-1], flush=True)
        store("novelty_given", {"table": table})


def parted_beside(data: str, asked: str, seed: int) -> tuple[Taught, list[str], list[str], list[str]]:
    """Training rows, out-of-scope rows that are given, and texts of known and unknown classes left out.

    Args:
        data: its training rows.
        asked: ``alike`` where the new texts are of the classes given, ``other`` where they are of others, or
            ``its own`` for out-of-scope rows of the file, two thirds of which are given.
        seed: of the draws.
    """
    own = asked == "its own"
    taught, known, new = divided(data, {"oos"} if own else drawn(data, UNKNOWN[data], seed), seed)
    random = np.random.default_rng(seed)
    classes = sorted({label for _, label in new})
    of_given = set(random.permutation(classes)[: len(classes) // 2] if asked == "other" else classes)
    mixed = [new[row] for row in random.permutation(len(new))]
    few = [row for row in mixed if row[1] in of_given][: len(new) * 2 // 3 if own else MOST_GIVEN]
    rest = [row for row in mixed if row not in few and (asked != "other" or row[1] not in of_given)]
    return taught, [text for text, _ in few], known, [text for text, _ in rest]


def divided(data: str, unknown: set[str], seed: int) -> tuple[Taught, list[str], list[tuple[str, str]]]:
    """Training rows to learn from, a fifth of the known texts left out, and all rows of unknown classes."""
    pairs = [row for row in zip(*rows(f"{data}_train"), strict=True) if row[1] != "oos" or "oos" in unknown]
    asked = np.random.default_rng(seed).random(len(pairs)) < 0.2
    taught: Taught = ([], [])
    known: list[str] = []
    new: list[tuple[str, str]] = []
    for (text, label), held in zip(pairs, asked, strict=True):
        if label in unknown:
            new.append((text, label))
        elif held:
            known.append(text)
        else:
            taught[0].append(text)
            taught[1].append(label)
    return taught, known, new


def parted(data: str, seed: int) -> tuple[Taught, list[str], list[str]]:
    """Of some classes that are taken for unknown, the texts alone."""
    taught, known, new = divided(data, drawn(data, UNKNOWN[data], seed), seed)
    return taught, known, [text for text, _ in new]


def blends_from(data: str, seed: int) -> dict[str, tuple[float, float]]:
    """The parts' confidences alone, and several ways to make one of them: AUROC and FPR at 95 % TPR."""
    taught, known, new = parted(data, seed)
    pool = (clf := BlendClassifier(seed=seed).fit(*taught)).learned_
    confidences: dict[str, list[np.ndarray]] = {}
    for texts in (known, new):
        read = clf._represent(clf.encoder_, texts, unwatched)
        own = [part._score(*learned, len(clf.classes_)) for part, *learned in clf._each(pool, read)]
        places = np.array(
            [placed(one.confidence, reference) for one, reference in zip(own, pool.references, strict=True)]
        )
        belief = clf.predict_scores(texts, most=1).values[:, 0]
        candidates = {
            **{f"{name} alone": one.confidence for name, one in zip(pool.names, own, strict=True)},
            "largest belief of the blend": belief,
            "mean of places": places.mean(axis=0),
            "mean of places, weighed as belief": np.average(places, axis=0, weights=pool.weights),
            "smallest place": places.min(axis=0),
        }
        for name, values in candidates.items():
            confidences.setdefault(name, []).append(values)
    return {name: separation(*pair) for name, pair in confidences.items()}


def of_network(method: str, data: str, seed: int) -> dict[str, tuple[float, float]]:
    """Every sign alone, as a network that was trained once sees it."""
    taught, known, new = parted(data, seed)
    draw = np.random.default_rng(seed)
    some = draw.permutation(len(taught[0]))[:MOST_ROWS]
    clf = method_class(method)(seed=seed).fit(*([column[row] for row in some] for column in taught))
    learned = clf.learned_
    seen = []
    for texts in (known, new):
        asked = [texts[row] for row in draw.permutation(len(texts))[:MOST_ROWS]]
        vectors, logits = learned.running.vectors_and_logits(asked)
        seen.append(signs(ALONE, logits, vectors, learned.of_classes))
    return {name: separation(*(part[:, at] for part in seen)) for at, name in enumerate(ALONE)}


def voters_from(data: str, seed: int) -> dict[str, tuple[float, float]]:
    """Every sign that neighbours give alone, and several weighed: AUROC and FPR at 95 % TPR."""
    taught, known_texts, new_texts = parted(data, seed)
    clf = KNNClassifier(confidence="similarity", seed=seed).fit(*taught)
    vectors, known, new = map(clf.encoder_.encode, (taught[0], known_texts, new_texts))
    seen = [clf._seen(clf.learned_, some, len(clf.classes_)) for some in (known, new)]
    found = {name: separation(*(getattr(some, name) for some in seen)) for name in VOTED}
    for names in VOTED_TOGETHER:
        weighed = weighed_signs(
            vectors, clf.train_codes_, new[:0], ("classes",), names, clf._look, seed, unwatched
        )
        pair = separation(*(weighed.familiarity(voted_signs(names, some)) for some in seen))
        found["fusion of " + ", ".join(names)] = pair
    return found


CHOICES: dict[str, Candidates] = {"linear": chosen_from, "blend": blends_from, "knn": voters_from}
"""Of methods that train no network."""


def reach(method: str) -> None:
    """On test files; stored after each fit."""
    stored = f"novelty_{method}"
    cells = {(row["task"], row["confidence"]): row for row in stored_rows(stored)}
    for seed in SEEDS:
        for name, task in TASKS.items():
            for confidence in CONFIDENCES.get(method, ("probability", "product", "auto")):
                row = cells.setdefault(
                    (name, confidence), {"task": name, "confidence": confidence, "asked": task, "runs": []}
                )
                if len(row["runs"]) <= seed:
                    row["runs"].append(once(method, confidence, seed, **task))
                    for measure in ("auroc", "fpr_at_95_tpr", "accuracy"):
                        found = mean_and_spread([run[measure] for run in row["runs"]], measure)
                        row |= {measure: found[measure], f"{measure}_spread": found["spread"]}
                    print(method, name, confidence, row["runs"][-1], flush=True)
                    store(stored, {"method": method, "table": list(cells.values())})


def once(
    method: str, confidence: str, seed: int, *, data: str, outside: bool, unknown: int, **asked: float
) -> dict[str, Any]:
    """One fit and one evaluation."""
    strange = drawn(data, unknown, seed)
    keep = [row for row in zip(*rows(f"{data}_train"), strict=True) if row[1] not in strange]
    texts, labels = zip(*[row for row in keep if outside or row[1] != "oos"], strict=True)
    chosen = {} if confidence == OWN else {"confidence": confidence}
    clf = method_class(method)(**chosen, oos_labels=("oos", *strange), seed=seed)
    result = tg.evaluate(clf.fit(texts, labels), *rows(f"{data}_test"))
    return {
        "seed": seed,
        "auroc": round(result.auroc or 0.0, 4),
        "fpr_at_95_tpr": round(result.fpr_at_95_tpr or 0.0, 4),
        "accuracy": round(result.accuracy, 4),
        "made_of": OWN if confidence == OWN else clf.learned_.confidence.sign,
    }


def _means(pairs: list[tuple[float, float]]) -> dict[str, float]:
    aurocs, rates = zip(*pairs, strict=True)
    return {
        "auroc": round(statistics.mean(aurocs), 4),
        "auroc_spread": round(statistics.stdev(aurocs), 4),
        "fpr_at_95_tpr": round(statistics.mean(rates), 4),
    }


def main() -> None:
    for word in sys.argv[1:] or ("choice:linear", "reach:linear"):
        what, _, method = word.partition(":")
        if what == "choice":
            choice(f"novelty_choice_{method}", CHOICES.get(method) or partial(of_network, method))
        elif what == "given":
            given()
        else:
            reach(method)


if __name__ == "__main__":
    main()
