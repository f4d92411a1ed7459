"""Fine-tuning tokens per second, against the plain Trainer of ``transformers``, in one run.

    python benchmarks/training_speed.py

The same encoder, texts, batch size and number of steps; tokens are real ones, padding not
counted. The Trainer runs as its users have it: batches padded to their longest text, all
weights learning, in fp32 and in bf16.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import textgraft as tg
from common import product_share, rows, store
from textgraft.core.plan import one_cycle
from textgraft.encoders.encoder import as_trainable
from textgraft.networks.pooled import ClassifierNetwork
from textgraft.training.batches import TokenBatches
from textgraft.training.loop import train
from textgraft.training.losses import classification_loss
from textgraft.training.settings import Settings

BATCH = 32
CASES = (("banking77", 512), ("imdb", 48))
ROUNDS = 3


def ours(texts: list[str], codes: np.ndarray, *, everything: bool = False) -> tuple[float, float]:
    """Seconds of one epoch, and the share of padding."""
    pretrained = as_trainable(tg.load_encoder("minilm"), "finetune").trainable(attention_dropout=0.0)
    ids = pretrained.tokens.ids(texts, 256)
    batches = TokenBatches(ids, codes, BATCH, 0, pretrained.tokens.pad, in_parts=not pretrained.unpads)
    network = ClassifierNetwork(pretrained.network, int(codes.max()) + 1, 0.1)
    plan = one_cycle(tuple(network.layer_groups()), 1, 1e-4)
    if not everything:
        plan = plan.freeze_all_but([name for name in plan.groups if name != "embeddings"])
    began = time.perf_counter()
    train(
        network,
        plan,
        batches,
        lambda net, batch: classification_loss(net(batch.ids, batch.mask), batch.codes),
        settings=Settings(bf16=pretrained.precision == "bf16"),
    )
    seconds = time.perf_counter() - began
    if pretrained.unpads:
        return seconds, 0.0
    parts = [part for step in batches.steps(0) for part in step]
    padded = sum(len(part) * int(batches.lengths[part].max()) for part in parts)
    return seconds, 1 - float(batches.lengths.sum()) / padded


def trainer(texts: list[str], codes: np.ndarray, *, bf16: bool) -> float:
    """Seconds of one epoch of the plain Trainer."""
    import transformers as hf

    folder = str(tg.load_encoder("minilm", cache=None).weights.folder)
    tokenizer = hf.AutoTokenizer.from_pretrained(folder)
    model = hf.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=int(codes.max()) + 1)
    encoded = tokenizer(texts, truncation=True, max_length=256)["input_ids"]
    data = [{"input_ids": i, "labels": int(c)} for i, c in zip(encoded, codes, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = hf.TrainingArguments(
            folder, per_device_train_batch_size=BATCH, num_train_epochs=1, learning_rate=1e-4, bf16=bf16,
            use_cpu=True, save_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True,
            dataloader_pin_memory=False,
        )  # fmt: skip
        collate = hf.DataCollatorWithPadding(tokenizer)
        run = hf.Trainer(model=model, args=arguments, train_dataset=data, data_collator=collate)
        began = time.perf_counter()
        run.train()
        return time.perf_counter() - began


def main() -> None:
    table: list[dict[str, Any]] = []
    for data, n in CASES:
        texts, labels = (column[:n] for column in rows(f"{data}_train"))
        codes = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        counted = tg.load_encoder("minilm", cache=None).count_tokens(texts)
        tokens = int(np.minimum(counted, 256).sum())
        waste = 0.0

        def without_embeddings(texts: list[str] = texts, codes: np.ndarray = codes) -> float:
            nonlocal waste
            seconds, waste = ours(texts, codes)
            return seconds

        runs: dict[str, Callable[[], float]] = {
            "textgraft": without_embeddings,
            "textgraft, embeddings learn too": lambda t=texts, c=codes: ours(t, c, everything=True)[0],
            "Trainer fp32": lambda t=texts, c=codes: trainer(t, c, bf16=False),
            "Trainer bf16": lambda t=texts, c=codes: trainer(t, c, bf16=True),
        }
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(ROUNDS):
            for name, run in runs.items():
                seconds[name].append(run())
                print(data, name, round(tokens / seconds[name][-1]), "tokens/s", flush=True)
        best = min(("Trainer fp32", "Trainer bf16"), key=lambda name: statistics.median(seconds[name]))
        ratios = sorted(
            theirs / mine for theirs, mine in zip(seconds[best], seconds["textgraft"], strict=True)
        )
        table.append(
            {
                "data": data,
                "texts": n,
                "mean_tokens": round(tokens / n, 1),
                "padding_share": round(waste, 4),
                "tokens_per_second": {k: round(tokens / statistics.median(v)) for k, v in seconds.items()},
                "best_of_trainer": best,
                "ratio": [round(value, 2) for value in ratios],
                "product_share": product_share(without_embeddings),
                "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
            }
        )  # fmt: skip
        print(table[-1], flush=True)
    store("training_speed", {"table": table})


if __name__ == "__main__":
    sys.exit(main())
