"""How well a language model foresees documents."""

from __future__ import annotations

import math

from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.language.folder import PretrainedLanguageModel
from textgraft.language.learning import Reading
from textgraft.text.documents import Documents
from textgraft.text.windows import BASE

LANES = 64


def perplexity(
    model: PretrainedLanguageModel,
    documents: Documents,
    *,
    lanes: int = LANES,
    window: int = BASE,
    watch: Watch = unwatched,
) -> float:
    """Per token, over all of the vocabulary; in bf16 where that is fast.

    Where lanes begin within a document, a few tokens are foreseen from nothing: with the lanes and the
    window of a training, it is what the training measures.

    Args:
        model: reads each document from the end if it is a backward one.
        documents: ids of its tokenizer.
        lanes: documents side by side.
        window: tokens of each in a step.
        watch: told of every step.

    Raises:
        DataError: fewer than two tokens.
    """
    import torch

    from textgraft.encoders.precision import choose_device, choose_precision
    from textgraft.training.carried import CarriedModel, carried_loss
    from textgraft.training.step import to_device

    batches = Reading(lanes, window, model.backward).to_measure(documents)
    device = torch.device(choose_device("auto"))
    bf16 = choose_precision("auto", str(device)) == "bf16"
    carried = CarriedModel(model.network(), lanes).to(device).eval()
    steps = [rows for parts in batches.steps(0) for rows in parts]
    total = 0.0
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, bf16):
        for done, rows in enumerate(steps, 1):
            loss = carried_loss(carried, to_device(batches.take(rows, 0), device))
            total += float(loss) * len(rows)
            watch(Progress("measuring perplexity", done, len(steps)))
    return math.exp(total / sum(map(len, steps)))
