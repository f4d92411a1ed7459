"""Write the parts of the documentation that are made from something else.

python docs/generate.py            write command-line.md and the tables of other pages
python docs/generate.py --check    fail if they are not fresh
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
RESULTS = DOCS.parent / "benchmarks" / "results"
WEIGHTS = DOCS.parent / "src" / "textgraft" / "weights"
COMMANDS = (
    "fit", "predict", "evaluate", "compare", "explain", "inspect", "suspects", "next", "methods", "encoders",
    "plan", "find-rate", "pretrain", "adapt",
)  # fmt: skip


def command_line() -> dict[Path, str]:
    """The help of every command, as a terminal of 100 columns shows it."""
    environment = os.environ | {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1", "TERMINAL_WIDTH": "100"}
    environment.pop("FORCE_COLOR", None)
    parts = ["# The command line", "", "Made by `docs/generate.py` from the help of the commands themselves."]
    for command in ("", *COMMANDS):
        code = "from textgraft.cli.main import main; main()"
        arguments = [sys.executable, "-c", code, *([command] if command else []), "--help"]
        text = subprocess.run(
            arguments, capture_output=True, text=True, check=True, env=environment, encoding="utf-8"
        ).stdout
        text = "\n".join(line.rstrip() for line in text.replace("-c ", "textgraft ", 1).strip().splitlines())
        parts += ["", f"## `{f'textgraft {command}'.strip()}`", "", "```", text, "```"]
    return {DOCS / "command-line.md": "\n".join(parts) + "\n"}


def benchmarks() -> dict[Path, str]:
    """benchmarks.md with its tables between markers made anew from benchmarks/results."""
    return _filled(DOCS / "benchmarks.md", TABLES)


def costs() -> dict[Path, str]:
    """What the recurrent methods cost, made anew from benchmarks/results."""
    tables = {"cost": word_gru_cost, "words a second": words_a_second_table}
    return _filled(DOCS / "word-gru.md", tables) | _filled(
        DOCS / "transformer-gru.md", {"cost": transformer_gru_cost, "disk": transformer_gru_disk}
    )


def language_model_card() -> dict[Path, str]:
    """The card of the packaged language model, its facts made anew from its manifest."""
    return _filled(WEIGHTS / "README.md", {"facts": language_model_facts})


def _filled(page: Path, tables: dict[str, Callable[[], str]]) -> dict[Path, str]:
    """A page with its tables between markers made anew."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        block = f"<!-- {name} -->\n{table()}\n<!-- end -->"
        text, found = re.subn(
            rf"<!-- {name} -->\n.*?<!-- end -->", lambda _, block=block: block, text, flags=re.S
        )
        assert found == 1, f"{page.name} has no place for the table {name}"
    return {page: text}


def frozen_table() -> str:
    result = _result("frozen")
    rows = [
        [
            row["method"], row["data"], _number(row["accuracy"]), _number(row["known"]),
            _number(row.get("auroc")), _number(row.get("known_auroc")),
        ]
        for row in result["table"]
    ]  # fmt: skip
    return _table(["method", "data", "accuracy", "known", "AUROC", "known AUROC"], rows, result)


def icd10_table() -> str:
    result = _result("many_classes")
    rows = [
        [
            f"`{row['encoder']}`", f"{row['classes']:,}", row["accuracy"], row["known"],
            row["accuracy_at_10"], row["known_at_10"], row["peak_memory_gb"],
        ]
        for row in result["table"]
    ]  # fmt: skip
    words = ["encoder", "classes", "accuracy@1", "known @1", "accuracy@10", "known @10", "peak GB"]
    return _table(words, rows, result)


def coverage_table() -> str:
    result = _result("coverage")
    rows = [
        [
            row["method"],
            row["fitted_on"],
            *(", ".join(_number(value) for value in row[key]) for key in _COVERAGE),
        ]
        for row in result["table"]
    ]
    words = [
        "method",
        "rule fitted on",
        "kept of in-scope",
        "rejected of out-of-scope",
        "right of in-scope kept",
    ]
    return _table(words, rows, result)


def throughput_table() -> str:
    result = _result("encode_throughput")
    rows = [
        [
            row["data"], row["texts"], row["mean_tokens"], _spread(row["auto_over_plain"]),
            _spread(row["fp32_over_plain"]), row["auto_largest_cosine_distance"],
        ]
        for row in result["table"]
    ]  # fmt: skip
    words = ["texts of", "how many", "mean tokens", "bf16 × plain", "fp32 × plain", "largest cosine distance"]
    return _table(words, rows, result)


def search_table() -> str:
    result = _result("search")
    keys = list(result["table"][0])
    rows = [[row[key] for key in keys] for row in result["table"]]
    return _table([key.replace("_", " ") for key in keys], rows, result)


def defaults_table() -> str:
    parts = []
    for method in ("tfidf", "linear", "knn"):
        result = _result(f"defaults_{method}")
        rows = [
            [
                ", ".join(f"{name} {value}" for name, value in candidate["arguments"].items()),
                *(
                    _number(candidate["mean"][key])
                    for key in ("accuracy", "auroc_confidence", "auroc_belief")
                ),
            ]
            for candidate in result["candidates"]
        ]
        words = [method, "accuracy", "AUROC by confidence", "AUROC by largest belief"]
        parts.append(_table(words, rows, result))
    return "\n\n".join(parts)


def lower_layers_table() -> str:
    """Accuracy with and without the lower layers, a column a data set."""
    rows = []
    results = {method: _result(f"defaults_{method}_encoder") for method in ("linear", "knn", "blend")}
    data = list(results["linear"]["rows"])
    for method, result in results.items():
        for candidate in result["candidates"]:
            mean, by_set = candidate["mean"], candidate["by_set"]
            means = [mean["accuracy"], mean["auroc_confidence"]]
            of_sets = [by_set[one]["accuracy"] for one in data]
            rows.append([method, f"`{candidate['arguments']['encoder']}`", *map(_number, means + of_sets)])
    return _table(["method", "encoder", "mean accuracy", "mean AUROC", *data], rows, *results.values())


def startup_table() -> str:
    result = _result("startup")
    rows = [
        [row["command"], f"{row['median_seconds']:.2f}", f"{row['limit_seconds']:.1f}"]
        for row in result["table"]
    ]
    return _table(["command", "median seconds", "limit"], rows, result)


def trained_table() -> str:
    """One table of all stored results of benchmarks/trained.py."""
    results = [_result(path.stem) for path in sorted(RESULTS.glob("trained_*.json")) if "_" in path.stem[8:]]
    rows = [
        [
            f"{row['method']} {_settings(row['parameters'])}".strip(), row["data"],
            _number(row["accuracy"]) + ("" if row["spread"] is None else f" ± {row['spread']:.3f}"),
            len(row["runs"]), _number(row["reach"]),
            _mean_seconds(row["runs"]),
            max(run["peak_memory_gb"] for run in row["runs"]), result["commit"],
        ]
        for result in results
        for row in result["table"]
    ]  # fmt: skip
    words = ["method", "data", "accuracy", "seeds", "asked for", "seconds to fit", "peak GB", "commit"]
    return _table(
        words, rows, results[-1] | {"command": "python benchmarks/trained.py", "commit": "as listed"}
    )


def siamese_table() -> str:
    result = _result("trained_siamese")
    rows = [
        [
            row["encoder"], "trained" if row["train_encoder"] else "frozen", row["data"],
            f"{_number(row['mean'])} ± {row['standard_deviation']:.3f}", _number(row["known"]),
        ]
        for row in result["table"]
    ]  # fmt: skip
    return _table(["siamese on", "encoder", "data", "accuracy, seeds 0–2", "known"], rows, result)


def pair_table() -> str:
    result = _result("trained_pair")
    rows = [
        [row["method"], *(_from_to(row, key) for key in ("accuracy", "accuracy_at_10"))]
        for row in result["summary"]
    ]
    return _table(["icd10, half of the terms", "accuracy@1", "accuracy@10"], rows, result)


def use_table() -> str:
    result = _result("use_frozen")
    rows = [
        [
            row["method"], row["data"],
            *(_number(row.get(key)) for key in ("accuracy", "known", "auroc")),
        ]
        for row in result["table"]
    ]  # fmt: skip
    return _table(["on use", "data", "accuracy", "known", "AUROC"], rows, result)


def fewshot_beside_table() -> str:
    result = _result("fewshot_beside")
    rows = [
        [
            seed,
            *(f"{run['accuracy']:.4f}, {_seconds(run['fit_seconds'])}" for run in runs),
            "–" if faster is None else faster,
        ]
        for seed, (*runs, faster) in enumerate(
            zip(*result["runs"].values(), result["times_faster"], strict=True)
        )
    ]
    return _table(["fewshot_commits, seed", "finetune", "SetFit", "times faster"], rows, result)


def fewshot_curve_table() -> str:
    result = _result("fewshot_curve")
    names = dict.fromkeys(row["method"] for row in result["table"])
    rows = []
    for n in dict.fromkeys(row["rows"] for row in result["table"]):
        of_size = {row["method"]: row for row in result["table"] if row["rows"] == n}
        rows.append(
            [n, *(f"{one['accuracy']:.3f} ({one['low']:.3f}–{one['high']:.3f})" for one in of_size.values())]
        )
    last = {gain["method"]: gain["per_doubling"] for gain in result["gains"]}
    rows.append(["last doubling", *(f"{100 * last[name][0]:+.1f} points" for name in names)])
    return _table(["fewshot_commits, rows", *names], rows, result)


def _seconds(value: float | None) -> str:
    return "seconds not known" if value is None else f"{value:.0f} s"


def training_speed_table() -> str:
    result = _result("training_speed")
    rows = [
        [
            row["data"], row["mean_tokens"], *row["tokens_per_second"].values(),
            f"{row['ratio'][len(row['ratio']) // 2]:.1f} ({row['ratio'][0]:.1f}–{row['ratio'][-1]:.1f})",
            f"{100 * row['product_share']:.0f} %",
        ]
        for row in result["table"]
    ]  # fmt: skip
    names = [f"{name}, tokens/s" for name in result["table"][0]["tokens_per_second"]]
    return _table(["texts of", "mean tokens", *names, "× best of Trainer", "products"], rows, result)


def method_defaults_table(method: str, name: str) -> str:
    """Candidates for a method's defaults, a row each; no parameters are the defaults of that commit."""
    result = _result(name)
    rows = [
        [_settings(row["parameters"]) or "as it was", *row["accuracy"].values(), row["mean"]]
        for row in result["table"]
    ]
    return _table([method, *result["table"][0]["accuracy"], "mean"], rows, result)


def truncation_table() -> str:
    result = _result("defaults_truncation")
    rows = [
        [row["method"], _settings(row["parameters"]), row["truncate"], row["mean"]] for row in result["table"]
    ]
    return _table(["method", "parameters", "left out", "accuracy"], rows, result)


def language_models_table() -> str:
    result = _result("language_models")
    rows = []
    for row in result["table"]:
        sizes = row["settings"]
        rows.append([
            row["name"],
            f"{sizes['kind'].upper()} {sizes['embedding']}/{sizes['hidden']}/{sizes['layers']}",
            f"{row['learned_tokens'] / 1e6:.0f} M",
            row["perplexity"],
            row["bits_a_character"],
            *(row[data][of] for data in result["rows"] for of in ("pooled states", "mean word vector")),
        ])  # fmt: skip
    sets = [f"{data}, {of}" for data in result["rows"] for of in ("pooled states", "mean word vector")]
    heads = ["language model", "layers", "tokens read", "perplexity", "bits a character", *sets]
    return _table(heads, rows, result)


def term_weights_table() -> str:
    result = _result("defaults_term_weights")
    rows = [
        [row["data"], row["classes"], row["shot"] or "all", row["reads"], row["idf"], row["naive-bayes"]]
        for row in result["table"]
    ]
    return _table(["data", "classes", "rows of each", "reads", "idf", "naive-bayes"], rows, result)


def _settings(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{k} {v if isinstance(v, str) else format(v, 'g')}" for k, v in parameters.items())


def risk_table() -> str:
    result = _result("risk")
    rows = [
        [
            row["method"], f"{row['held_out']:,}", row["rule"], *(
                f"{100 * row[name]:.1f} %"
                for name in ("risk_above_promise", "mean_risk", "mean_coverage", "rejects_all")
            ),
        ]
        for row in result["table"]
    ]  # fmt: skip
    head = ["method", "held-out rows", "rule", "redraws above 5 % risk", "mean risk", "mean coverage"]
    return _table([*head, "redraws that reject all"], rows, result)


def calibration_table() -> str:
    result = _result("calibration")
    names = (
        "data",
        "method",
        "accuracy",
        "rows",
        "source",
        "temperature",
        "floor",
        "error_before",
        "error_after",
    )
    rows = [[row[name] for name in names] for row in result["table"]]
    head = ["test file of", "method", "accuracy", "held-out rows", "from", "temperature", "floor"]
    return _table([*head, "calibration error before", "after"], rows, result)


def multilabel_table() -> str:
    result = _result("multilabel")
    names = ("data", "labels", "labels_a_text", "method", "micro_f1", "macro_f1", "subset_accuracy", "lrap")
    rows = [
        [*(row[name] for name in names), *("–" if one is None else one for one in row["calibration_error"])]
        for row in result["table"]
    ]
    head = ["made of", "labels", "a text", "method", "micro-F1", "macro-F1", "subset accuracy", "LRAP"]
    return _table([*head, "calibration error of its own belief", "calibrated"], rows, result)


def suspicious_table() -> str:
    result = _result("suspicious")
    rows = [
        [row["data"], row["method"], f"{row['precision']:.3f} ± {row['spread']:.3f}", row["asked"] or ""]
        for row in result["table"]
    ]
    return _table(
        ["training file of", "method", "replaced among the 100 most suspicious", "asked"], rows, result
    )


def label_thresholds_table() -> str:
    """One row a candidate, one column a set and method."""
    result = _result("defaults_label_thresholds")
    cells = {(row["common_rows"], row["data"], row["method"]): row for row in result["table"]}
    columns = list(dict.fromkeys((row["data"], row["method"]) for row in result["table"]))
    rows = []
    for candidate in dict.fromkeys(row["common_rows"] for row in result["table"]):
        found = [cells[candidate, *column] for column in columns]
        means = [sum(row[name] for row in found) / len(found) for name in ("micro_f1", "macro_f1")]
        rows.append(
            [
                candidate.removesuffix(".0"),
                *(f"{row['micro_f1']:.3f}, {row['macro_f1']:.3f}" for row in found),
                ", ".join(f"{mean:.3f}" for mean in means),
            ]
        )
    return _table(["rows", *map(", ".join, columns), "mean"], rows, result)


def auto_table() -> str:
    result = _result("auto")
    rows = [
        [
            row["data"], ", ".join(run["chosen"] for run in row["runs"]), _seeds(row),
            f"{row['best_single']['method']} {_number(row['best_single']['accuracy'])}",
            f"{100 * row['behind']:.1f}", f"{max(run['seconds'] for run in row['runs']):.0f}",
        ]
        for row in result["table"]
    ]  # fmt: skip
    commits = dict.fromkeys(run["commit"] for row in result["table"] for run in row["runs"])
    words = ["data", "chosen", "accuracy", "best single method", "points behind", "seconds"]
    return _table(words, rows, result | {"commit": ", ".join(commits)})


def auto_beside_table() -> str:
    result, ours = _result("auto_beside"), {row["data"]: row for row in _result("auto")["table"]}
    rows = [
        [
            row["data"], _seeds(ours[row["data"]]), _seeds(row),
            ", ".join(dict.fromkeys("+".join(run["chosen"].values()) for run in row["runs"])),
            f"{max(run['fit_seconds'] for run in row['runs']):.0f}",
        ]
        for row in result["table"]
    ]  # fmt: skip
    return _table(["data", "textgraft auto", "AutoIntent", "AutoIntent chose", "its seconds"], rows, result)


def defaults_auto_table() -> str:
    result = _result("defaults_auto")
    rules = {
        "cheapest": "the cheapest within one standard error",
        "chosen": "what `auto` took: a blend within it where that is affordable",
        "best": "the best on those rows, unknowable",
    }
    few, many = result["few"], result["many"]
    rows = [[rules.get(rule, rule), _number(value), _number(many[rule])] for rule, value in few.items()]
    return _table(["rule", "fewer than 300 rows", "more"], rows, result)


def novelty_given_table() -> str:
    """How signs are weighed where out-of-scope rows are given, on training rows."""
    result = _result("novelty_given")
    tasks = list(dict.fromkeys((row["data"], row["asked"]) for row in result["table"]))
    cells = {(row["kinds"], row["data"], row["asked"]): row for row in result["table"]}
    rows = []
    for kinds in dict.fromkeys(row["kinds"] for row in result["table"]):
        found = [cells[kinds, *task] for task in tasks]
        mean = sum(row["auroc"] for row in found) / len(found)
        rows.append([kinds, *(_auroc_and_rate(row) for row in found), _number(mean)])
    return _table(["new texts that signs are weighed by", *map(", ".join, tasks), "mean AUROC"], rows, result)


def novelty_choice_table(*methods: str) -> str:
    """One row a method and confidence, a column a training file."""
    results = {method: _result(f"novelty_choice_{method}") for method in methods}
    unknown = {row["data"]: row["unknown"] for result in results.values() for row in result["table"]}
    rows = []
    for method, result in results.items():
        cells = {(row["data"], row["confidence"]): row for row in result["table"]}
        for confidence in dict.fromkeys(confidence for _, confidence in cells):
            found = [cells[data, confidence] for data in unknown]
            rows.append([method, confidence, *map(_auroc_and_rate, found)])
    words = ["method", "confidence", *(f"{data}, {n} out" for data, n in unknown.items())]
    return _table(words, rows, *results.values())


def _auroc_and_rate(row: dict[str, Any]) -> str:
    return f"{row['auroc']:.3f}, {100 * row['fpr_at_95_tpr']:.0f} %"


def novelty_table() -> str:
    """AUROC, FPR and accuracy on test files, of every method that was measured."""
    results = [_result(f"novelty_{method}") for method in ("blend", "linear", "knn")]
    rows = [
        [
            row["task"], result["method"], row["confidence"], _with_spread(row, "auroc"),
            _number(row["asked"].get("auroc")), _with_spread(row, "fpr_at_95_tpr"),
            _number(row["asked"].get("fpr")), _with_spread(row, "accuracy"),
        ]
        for result in results
        for row in result["table"]
    ]  # fmt: skip
    head = [
        "learned from",
        "method",
        "confidence",
        "AUROC",
        "asked ≥",
        "FPR at 95 % TPR",
        "asked ≤",
        "accuracy",
    ]
    return _table(head, rows, *results)


def _with_spread(row: dict[str, Any], measure: str) -> str:
    spread = row[f"{measure}_spread"]
    return f"{row[measure]:.3f}" + ("" if spread is None else f" ± {spread:.3f}")


def label_next_table() -> str:
    result = _result("label_next")
    rows = [
        [
            row["data"],
            f"{row['rows_of_each_class']} + {row['labels_a_round']} a round",
            row["way"],
            *(
                f"{mean:.3f} ± {spread:.3f}"
                for mean, spread in zip(row["accuracy"], row["spread"], strict=True)
            ),
        ]
        for row in result["table"]
    ]
    rounds = [f"after round {number}" for number in range(1, result["rounds"] + 1)]
    return _table(["data", "labels", "chosen by", "at first", *rounds], rows, result)


def ulmfit_table(kind: str) -> str:
    """One column a task, of the stored results of benchmarks/ulmfit.py."""
    results = [_result(path.stem) for path in sorted(RESULTS.glob(f"ulmfit_{kind}_*.json"))]
    names = list(dict.fromkeys(row["name"] for result in results for row in result["table"]))
    cells = {(row["name"], result["task"]): row for result in results for row in result["table"]}
    rows = [[name, *(_seeds(cells.get((name, result["task"]))) for result in results)] for name in names]
    return _table(["ulmfit", *(result["task"] for result in results)], rows, *results)


def awd_speed_table() -> str:
    result = _result("awd_speed")
    rows = []
    for what in ("training tokens/s", "prediction texts/s"):
        found = result[what]
        speeds = [found[f"{name} {kind}"]["median"] for name in ("textgraft", "fastai") for kind in _KINDS]
        times = found["times_faster"]
        ratios = [times[key] for key in ("fp32", "bf16 over fastai's fp32", "bf16 over fastai's best")]
        rows.append([what, *speeds, *(f"{r['median']} ({r['least']}–{r['most']})" for r in ratios)])
    words = [
        "AWD-LSTM 400/1152/3", *(f"{name} {kind}" for name in ("textgraft", "fastai") for kind in _KINDS),
        "fp32 × fp32", "bf16 × fastai's fp32", "bf16 × fastai's best",
    ]  # fmt: skip
    return _table(words, rows, result)


def int8_table() -> str:
    result = _result("int8_answers")
    row = [
        "x".join(str(result["sizes"][name]) for name in ("embedding", "hidden", "layers")),
        result["accuracy_int8"], result["accuracy_bf16"], result["same_class"],
        result["largest_difference_of_belief"],
    ]  # fmt: skip
    head = ["LSTM on trec", "accuracy in 8 bits", "in bf16", "same class", "largest difference of belief"]
    return _table(head, [row], result)


def states_table() -> str:
    result = _result("defaults_transformer-gru_states")
    data = list(dict.fromkeys(row["data"] for row in result["table"]))
    cells = {
        (row["parameters"].get("states", "mean"), row["data"]): row["accuracy"] for row in result["table"]
    }
    rows = [[states, *(_number(cells[states, one]) for one in data)] for states in ("mean", "last")]
    return _table(["states of", *data], rows, result)


def word_gru_cost() -> str:
    result = _result("trained_word-gru_imdb")
    (row,) = result["table"]
    rows = [
        [
            # a fit that went on after a stop has the seconds of its last part
            run["seed"], "–" if run["resumed"] else f"{run['fit_seconds']:.0f}", f"{run['test_seconds']:.0f}",
            run["peak_memory_gb"], run["threads"],
        ]
        for run in row["runs"]
    ]  # fmt: skip
    head = ["word-gru on imdb, seed", "seconds to fit", "seconds to answer the test file", "peak GB"]
    return _table([*head, "threads"], rows, result)


def words_a_second_table() -> str:
    result = _result("gru_speed")
    rows = [
        [row["dtype"], *(f"{row[f'{name}_training']:,}" for name in ("ours", "reversed", "packed"))]
        for row in result["table"]
        if row["hidden"] == 128
    ]
    head = [
        "128 units a direction, in",
        "words a second in training",
        "torch, texts reversed",
        "torch, packed",
    ]
    return _table(head, rows, result)


def transformer_gru_cost() -> str:
    result = _result("defaults_transformer-gru_states")
    rows = [
        [row["data"], f"{result['rows']:,}", f"{result['scored']:,}", f"{row['seconds']:,}"]
        for row in result["table"]
        if not row["parameters"]
    ]
    table = _table(["transformer-gru on", "rows learned", "rows answered", "seconds of both"], rows, result)
    return f"{table}\n{result['note']}"


def transformer_gru_disk() -> str:
    result = _result("trained_transformer-gru_imdb")
    (row,) = result["table"]
    rows = []
    for run in row["runs"]:
        (disk,) = [re.search(r"([\d,]+) MB on disk", note) for note in run["notes"] if "on disk" in note]
        assert disk is not None
        rows.append(["imdb", run["seed"], disk[1], run["peak_memory_gb"]])
    return _table(["transformer-gru on", "seed", "MB on disk", "peak GB"], rows, result)


def language_model_facts() -> str:
    """What the packaged language model's own manifest says of it."""
    about, size = _packaged_language_model()
    settings, corpus = about["settings"], about["corpus"]
    (phase,) = about["training"]["plan"]["phases"]
    rows = [
        ["layers", f"{settings['layers']} of a {settings['kind'].upper()}, {settings['hidden']} units"],
        ["vectors", f"{settings['embedding']} numbers, tied to the decoder"],
        ["tokens it knows", f"{settings['vocabulary_size']:,}"],
        ["size", f"{size / 1e6:.1f} MB, matrices in 16 bits"],
        ["learned from", f"{corpus['tokens']:,} tokens of {corpus['documents']:,} documents"],
        ["rate", f"{max(phase['peak_rates']):g} at most, {phase['schedule']['name']}"],
        [
            "perplexity",
            f"{about['perplexity']:.1f} a token on {corpus['held_out_tokens']:,} held-out tokens of "
            f"{corpus['held_out_documents']:,} documents (`general_english_valid`)",
        ],
    ]
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])


def _packaged_language_model() -> tuple[dict[str, Any], int]:
    folder = WEIGHTS / "english.lm"
    about: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["about"]
    return about, sum(path.stat().st_size for path in folder.iterdir())


_KINDS = ("fp32", "bf16")
_COVERAGE = ("coverage", "out_of_scope_recall", "in_scope_accuracy_of_accepted")

TABLES = {
    "frozen": frozen_table,
    "icd10": icd10_table,
    "coverage": coverage_table,
    "throughput": throughput_table,
    "search": search_table,
    "defaults": defaults_table,
    "startup": startup_table,
    "trained": trained_table,
    "siamese": siamese_table,
    "pair": pair_table,
    "use": use_table,
    "few-shot beside": fewshot_beside_table,
    "few-shot curve": fewshot_curve_table,
    "training speed": training_speed_table,
    "few-shot defaults": partial(method_defaults_table, "finetune", "defaults_finetune"),
    "risk": risk_table,
    "calibration": calibration_table,
    "multilabel": multilabel_table,
    "suspicious": suspicious_table,
    "label thresholds": label_thresholds_table,
    "auto": auto_table,
    "auto beside": auto_beside_table,
    "auto defaults": defaults_auto_table,
    "novelty given": novelty_given_table,
    "novelty choice": partial(novelty_choice_table, "linear"),
    "novelty choice of knn": partial(novelty_choice_table, "knn"),
    "novelty choice of blend": partial(novelty_choice_table, "blend"),
    "novelty choice of networks": partial(novelty_choice_table, "word-gru"),
    "novelty": novelty_table,
    "label_next": label_next_table,
    "language models": language_models_table,
    "term weights": term_weights_table,
    "truncation": truncation_table,
    "more rows defaults": partial(method_defaults_table, "finetune", "defaults_finetune_larger"),
    "ulmfit arms": partial(ulmfit_table, "arms"),
    "ulmfit defaults": partial(method_defaults_table, "ulmfit", "defaults_ulmfit"),
    "awd speed": awd_speed_table,
    "int8": int8_table,
    "states": states_table,
    "lower layers": lower_layers_table,
}


def _result(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


def _table(head: list[str], rows: list[list[Any]], *results: dict[str, Any]) -> str:
    """A table, and below it how each of the results that it rests on was measured."""
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
    made = dict.fromkeys(_made(result) for result in results)
    return f"{table}\n\n" + "\n".join(made)


def _made(result: dict[str, Any]) -> str:
    able = result["machine"]
    bf16 = " and ".join(kind for kind in ("avx512_bf16", "amx_bf16") if able[kind]) or "no native bf16"
    where = f"{able['processor']}, {able['cores']} cores, {bf16}"
    return f"`{result['command']}`, commit {result['commit']}, {where}, {result['date']}."


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _mean_seconds(runs: list[dict[str, Any]]) -> str:
    """Of the runs whose seconds mean something."""
    known = [run["fit_seconds"] for run in runs if run["fit_seconds"] is not None]
    return f"{sum(known) / len(known):.0f}" if known else "–"


def _seeds(row: dict[str, Any] | None) -> str:
    if row is None:
        return "–"
    spread = "" if row["spread"] is None else f" ± {row['spread']:.3f}"
    return f"{_number(row['accuracy'])}{spread} ({len(row['runs'])})"


def _from_to(row: dict[str, Any], key: str) -> str:
    least, most = row[f"{key}_from_to"]
    return f"{row[key]:.3f} ({least:.3f}–{most:.3f})"


def _spread(value: dict[str, float]) -> str:
    return f"{value['median']:.2f} ({value['min']:.2f}–{value['max']:.2f})"


PAGES = {
    "command_line": command_line,
    "benchmarks": benchmarks,
    "costs": costs,
    "language_model_card": language_model_card,
}


def main() -> None:
    check = "--check" in sys.argv
    names = [name for name in sys.argv[1:] if name != "--check"] or list(PAGES)
    stale = []
    for name in names:
        for path, text in PAGES[name]().items():
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                stale.append(path.name)
                if not check:
                    path.write_text(text, encoding="utf-8")
    if check and stale:
        sys.exit(f"{', '.join(stale)} not fresh; run: python docs/generate.py")


if __name__ == "__main__":
    main()
