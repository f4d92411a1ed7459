"""AutoIntent's preset ``classic-light``, run by ``auto_beside.py`` in an environment of its own.

    autointent/bin/python benchmarks/peer_autointent.py MODEL_FOLDER TRAIN.parquet TEST.parquet SECONDS SEED

The preset's own encoder is on a hub; the folder's stands in its place. Rows labelled ``oos`` are left
out, since nothing is rejected here. Prints one line of JSON: accuracy, seconds to choose and learn,
what was chosen.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time

import numpy as np
import pyarrow.parquet as pq
from autointent import Dataset, Pipeline
from autointent.configs import HPOConfig, LoggingConfig, get_default_embedder_config


def main() -> None:
    folder, train, test, seconds, seed = sys.argv[1:]
    learned, asked = (rows(path) for path in (train, test))
    names = sorted(set(learned[1]))
    code_of = {name: code for code, name in enumerate(names)}
    began = time.perf_counter()
    # its seeds begin at 1
    pipeline = Pipeline.from_preset("classic-light", seed=int(seed) + 1)
    pipeline.set_config(get_default_embedder_config(model_name=folder))
    preset = pipeline.hpo_config
    pipeline.set_config(HPOConfig(**(preset.model_dump() | {"timeout": float(seconds)})))
    with tempfile.TemporaryDirectory() as out:
        pipeline.set_config(LoggingConfig(project_dir=out))
        dataset = Dataset.from_dict(
            {
                "train": [
                    {"utterance": text, "label": code_of[label]} for text, label in zip(*learned, strict=True)
                ],
                "intents": [{"id": code, "name": name} for code, name in enumerate(names)],
            }
        )
        context = pipeline.fit(dataset, refit_after=True)
        fitted = time.perf_counter()
        given = pipeline.predict(asked[0])
    found = np.array([names[code] if code is not None else "" for code in given], dtype=object)
    chosen = {
        str(node.node_type): str(node.module_name)
        for node in context.optimization_info.get_inference_nodes_config()
    }
    print(
        json.dumps(
            {
                "accuracy": round(float((found == np.array(asked[1], dtype=object)).mean()), 4),
                "fit_seconds": round(fitted - began, 1),
                "test_seconds": round(time.perf_counter() - fitted, 1),
                "chosen": chosen,
            }
        )
    )


def rows(path: str) -> tuple[list[str], list[str]]:
    table = pq.read_table(path, columns=["text", "label"]).to_pydict()
    pairs = [
        (text, str(label))
        for text, label in zip(table["text"], table["label"], strict=True)
        if str(label) != "oos" and text.strip()
    ]
    return [text for text, _ in pairs], [label for _, label in pairs]


if __name__ == "__main__":
    main()
