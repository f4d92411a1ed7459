"""Whether ``AtRisk(0.05, 0.95)`` keeps its promise on real texts, over redraws of the held-out rows.

    python benchmarks/risk.py

A classifier learns the training file of clinc150 once. The rows of its validation and test files,
out-of-scope ones among them, are pooled; 200 times so many are drawn at random to fit the rule, and
the risk is counted on the others. The rule that people make up, the loosest threshold whose counted
risk is 5 %, goes through the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from common import rows, store
from textgraft.core.held_out import held_out
from textgraft.core.rules import AtRisk
from textgraft.core.thresholds import fit_threshold
from textgraft.methods import method_class

METHODS = ("linear", "knn", "tfidf")
HELD_OUT = (500, 1_000, 3_000)
REDRAWS = 200
RULE = AtRisk(0.05, 0.95)


def counted(confidence: np.ndarray, wrong: np.ndarray, outside: np.ndarray, seed: int) -> float:
    """The loosest threshold whose risk among the rows is no more than allowed; ∞ if none."""
    order = np.argsort(-confidence, kind="stable")
    risk = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(risk <= RULE.max_error)
    return float(confidence[order[good[-1]]]) if len(good) else float("inf")


def shown(confidence: np.ndarray, wrong: np.ndarray, outside: np.ndarray, seed: int) -> float:
    """The threshold of the rule."""
    inside = ~outside
    kept = held_out(confidence[inside], ~wrong[inside], confidence[outside], "valid")
    return fit_threshold(RULE, kept, seed).value


def redrawn(
    rule: Any, confidence: np.ndarray, wrong: np.ndarray, outside: np.ndarray, n: int
) -> dict[str, float]:
    """What a rule did over all redraws."""
    risks, coverages, refused = [], [], 0
    for seed in range(REDRAWS):
        order = np.random.default_rng(seed).permutation(len(confidence))
        fits, asks = order[:n], order[n:]
        threshold = rule(confidence[fits], wrong[fits], outside[fits], seed)
        kept = asks[confidence[asks] >= threshold]
        refused += not np.isfinite(threshold) and threshold > 0
        risks.append(float(wrong[kept].mean()) if len(kept) else 0.0)
        coverages.append(float((~outside[kept]).sum() / (~outside[asks]).sum()))
    return {
        "risk_above_promise": round(float(np.mean(np.array(risks) > RULE.max_error)), 3),
        "mean_risk": round(float(np.mean(risks)), 4),
        "mean_coverage": round(float(np.mean(coverages)), 3),
        "least_coverage": round(min(coverages), 3),
        "rejects_all": round(refused / REDRAWS, 3),
    }


def main() -> None:
    files = [rows(f"clinc150_{part}") for part in ("val", "test")]
    texts, labels = ([one for pair in files for one in pair[column]] for column in (0, 1))
    outside = np.array(labels) == "oos"
    table = []
    for method in METHODS:
        clf = method_class(method)(oos_labels=("oos",)).fit(*rows("clinc150_train"))
        scores = clf.predict_scores(texts, most=1)
        wrong = clf.classes_[scores.best] != np.array(labels, dtype=object)
        for n in HELD_OUT:
            for name, rule in (("AtRisk(0.05, 0.95)", shown), ("counted", counted)):
                found = redrawn(rule, scores.confidence, wrong, outside, n)
                table.append({"method": method, "held_out": n, "rule": name} | found)
                print(table[-1], flush=True)
                store(
                    "risk",
                    {
                        "redraws": REDRAWS,
                        "rows": len(texts),
                        "out_of_scope": int(outside.sum()),
                        "table": table,
                    },
                )


if __name__ == "__main__":
    main()
