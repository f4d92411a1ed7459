"""Make ``awd_lstm/*.safetensors``: small fastai language models, and what they make of two windows.

In an environment of its own: ``pip install torch fastai==2.8.12 safetensors``, then

    python tests/golden/make_awd_lstm.py [FOLDER]

fastai gave up QRNNs after 2.0. FOLDER is an unpacked wheel of ``fastai==2.0.0``, whose ``AWD_QRNN`` then runs
on the newer library; without it the QRNN's file stays as it is. Each file holds fastai's
``state_dict`` (``weights.…``), of an LSTM gradients of the first window's loss, and in evaluation mode:

    ids (2, 3, 5), targets (3, 5)   windows, and what comes after each word of the first
    raw (2, 3, 5, 12)               states of the last layer, the second window's after the first's
    logits (2, 3, 5, 30)
    loss, ar, tar                   cross entropy; what ``RNNRegularizer(2, 1)`` adds, each alone
    pooled (3, 36)                  ``masked_concat_pool`` of the first window with lengths 5, 2, 1
    probabilities (3, 4)            softmax of a ``PoolingLinearClassifier`` of these

The last two, and the weights ``head.…``, are in ``lstm.safetensors`` alone.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from fastai.callback.rnn import RNNRegularizer
from fastai.text.models import awdlstm, core
from safetensors.torch import save_file

HERE = Path(__file__).parent / "awd_lstm"
SIZES = {"emb_sz": 12, "n_hid": 20, "n_layers": 3}
ROWS, STEPS, WORDS = 3, 5, 30


def old_qrnn(folder: Path) -> type:
    """``AWD_QRNN`` of fastai 2.0.0 on top of the installed ``AWD_LSTM``."""
    models = folder / "fastai" / "text" / "models"
    name = "fastai.text.models.qrnn"
    spec = importlib.util.spec_from_file_location(name, models / "qrnn.py")
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    source = (models / "awdlstm.py").read_text()
    made = next(node for node in ast.parse(source).body if getattr(node, "name", "") == "AWD_QRNN")
    exec(ast.get_source_segment(source, made), vars(awdlstm))
    return awdlstm.AWD_QRNN


def regularisation(out: torch.Tensor, raw: torch.Tensor, alpha: float, beta: float) -> torch.Tensor:
    """What fastai's callback adds to a loss while training."""
    callback = RNNRegularizer(alpha=alpha, beta=beta)
    callback.learn = SimpleNamespace(
        loss_grad=torch.zeros(()), training=True, rnn=SimpleNamespace(out=out, raw_out=raw)
    )
    callback.after_loss()
    return callback.learn.loss_grad


def make(kind: type, **more: bool) -> dict[str, torch.Tensor]:
    """Numbers of one language model."""
    torch.manual_seed(8)
    body = kind(WORDS, **SIZES, **more)
    decoder = core.LinearDecoder(WORDS, SIZES["emb_sz"], 0.1, tie_encoder=body.encoder)
    model = core.SequentialRNN(body, decoder).eval()
    with torch.no_grad():
        # as first drawn, weights are too small to tell a wrong network from a right one
        for parameter in model.parameters():
            parameter.mul_(3.0).add_(torch.randn_like(parameter), alpha=0.3)
    model.reset()
    ids, targets = torch.randint(0, WORDS, (2, ROWS, STEPS)), torch.randint(0, WORDS, (ROWS, STEPS))
    learns = kind is awdlstm.AWD_LSTM
    # fastai's QRNN writes into views, which today's torch no longer differentiates
    with torch.set_grad_enabled(learns):
        windows = [model(window) for window in ids]
    logits, raw, out = windows[0]
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    ar, tar = regularisation(out, raw, 2.0, 0.0), regularisation(out, raw, 0.0, 1.0)
    if learns:
        (loss + ar + tar).backward()
    numbers = {f"weights.{name}": tensor for name, tensor in model.state_dict().items()}
    numbers |= {
        f"gradients.{name}": parameter.grad
        for name, parameter in model.named_parameters()
        if learns and name.endswith(("encoder.weight", "_raw", "decoder.bias"))
    }
    numbers |= {"ids": ids, "targets": targets, "loss": loss, "ar": ar, "tar": tar}
    numbers["logits"], numbers["raw"] = (
        torch.stack([window[place] for window in windows]) for place in (0, 1)
    )
    if learns and not more:
        numbers |= classified(raw.detach())
    return {name: tensor.detach().clone().contiguous() for name, tensor in numbers.items()}


def classified(raw: torch.Tensor) -> dict[str, torch.Tensor]:
    """Numbers of a classifier's head with batch-norms that have seen something."""
    mask = torch.arange(STEPS) >= torch.tensor([5, 2, 1])[:, None]
    head = core.PoolingLinearClassifier([3 * SIZES["emb_sz"], 50, 4], [0.0, 0.0], bptt=STEPS)
    with torch.no_grad():
        head((raw, mask))
        logits = head.eval()((raw, mask))[0]
        pooled = core.masked_concat_pool(raw, mask, STEPS)
    weights = {f"head.{name}": tensor for name, tensor in head.state_dict().items()}
    return weights | {"pooled": pooled, "probabilities": logits.softmax(1)}


def main() -> None:
    HERE.mkdir(exist_ok=True)
    save_file(make(awdlstm.AWD_LSTM), HERE / "lstm.safetensors")
    save_file(make(awdlstm.AWD_LSTM, bidir=True), HERE / "lstm_bidirectional.safetensors")
    if len(sys.argv) > 1:
        qrnn = old_qrnn(Path(sys.argv[1]))
        save_file(make(qrnn), HERE / "qrnn.safetensors")
        save_file(make(qrnn, bidir=True), HERE / "qrnn_bidirectional.safetensors")


if __name__ == "__main__":
    main()
