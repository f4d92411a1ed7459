"""SetFit with its defaults, run by ``fewshot_beside.py`` in an environment of its own.

    peers/bin/python benchmarks/peer_setfit.py MODEL_FOLDER TRAIN.parquet TEST.parquet SEED

Prints one line of JSON: accuracy, seconds to fit, seconds to answer the test texts.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time

import numpy as np
import pyarrow.parquet as pq
from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments


def main() -> None:
    folder, train, test, seed = sys.argv[1:]
    began = time.perf_counter()
    learned = Dataset.from_dict(pq.read_table(train, columns=["text", "label"]).to_pydict())
    labels = sorted(set(map(str, learned["label"])))
    with tempfile.TemporaryDirectory() as out:
        trainer = Trainer(
            model=SetFitModel.from_pretrained(folder, labels=labels),
            args=TrainingArguments(output_dir=out, seed=int(seed), report_to="none", save_strategy="no"),
            train_dataset=learned,
        )
        trainer.train()
    fitted = time.perf_counter()
    asked = pq.read_table(test, columns=["text", "label"]).to_pydict()
    found = np.array(trainer.model.predict(asked["text"]), dtype=str)
    print(
        json.dumps(
            {
                "accuracy": round(float((found == np.array(asked["label"], dtype=str)).mean()), 4),
                "fit_seconds": round(fitted - began, 1),
                "test_seconds": round(time.perf_counter() - fitted, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
