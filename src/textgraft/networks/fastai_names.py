"""Names of a fastai checkpoint's tensors -> names of ours.

| fastai | ours |
|---|---|
| ``0.encoder.weight`` | ``body.embedding.weight`` |
| ``0.encoder_dp.emb.weight``, ``1.decoder.weight`` | the same tensor again |
| ``0.rnns.I.weight_hh_l0_raw`` | ``body.layers.I.weight_hh_l0`` |
| ``0.rnns.I.module.weight_hh_l0`` | what dropout last left of it: not read |
| ``0.rnns.I.module.weight_ih_l0``, ``bias_ih_l0``, ``bias_hh_l0`` | ``body.layers.I.weight_ih_l0``, … |
| the same with ``_reverse`` | the same with ``_reverse`` |
| ``0.rnns.I.layers.0.linear.weight_raw``, ``….linear.module.bias`` | ``body.layers.I.weight``, ``….bias`` |
| ``0.rnns.I.layers_bwd.0.linear.weight``, ``….bias`` | ``body.layers.I.weight_reverse``, ``….bias_reverse`` |
| ``1.decoder.bias`` | ``decoder.bias`` |
| ``1.layers.I.0.weight``, ``bias``, ``running_mean``, … of a classifier | ``head.blocks.I.norm.weight``, … |
| ``1.layers.I.1.weight`` | ``head.blocks.I.linear.weight`` |

``0.`` may be ``0.module.``, as in a classifier, or absent, as after ``save_encoder``. Checkpoints of
2018, the ones of the paper, say ``0.encoder_with_dropout.embed.weight`` and
``0.rnns.I.module.weight_hh_l0_raw`` and have no bias in the decoder.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

from textgraft.errors import WeightsError

_BODY = re.compile(r"(?:0\.module\.|0\.)?(encoder|encoder_dp|encoder_with_dropout|rnns)\.(.+)")
_LSTM = re.compile(r"(\d+)\.(?:module\.)?((?:weight|bias)_(?:ih|hh)_l0(?:_reverse)?)(_raw)?")
_HEAD = re.compile(r"1\.layers\.(\d+)\.([01])\.(\w+)")
_QRNN = re.compile(r"(\d+)\.layers(_bwd)?\.0\.linear\.(?:module\.)?(weight|bias)(_raw)?")


def from_fastai(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of fastai's language model, its encoder or its classifier under the names of ours.

    Args:
        tensors: by the names that fastai's ``model.state_dict()`` gives them.

    Returns:
        tensors by the names of :class:`textgraft.networks.language_model.LanguageModel`, ``decoder.bias``
        only where fastai's had a decoder, 0 where it had no bias; of a classifier, those of
        :class:`textgraft.networks.text_classifier_head.TextClassifierHead` after ``head.``.

    Raises:
        WeightsError: tensors that no AWD-LSTM or AWD-QRNN of fastai's has, no embeddings, or a decoder
            that is not tied to them.
    """
    found: dict[str, Tensor] = {}
    raw: dict[str, Tensor] = {}
    unknown, tied = [], []
    for name, tensor in tensors.items():
        body = _BODY.fullmatch(name)
        if name in ("1.decoder.weight", "1.decoder.bias"):
            if name.endswith("bias"):
                found["decoder.bias"] = tensor
            else:
                tied.append(tensor)
        elif body and body[1] != "rnns":
            tied.append(tensor)
            if body[0].endswith("encoder.weight"):
                found["body.embedding.weight"] = tensor
        elif body and (part := _LSTM.fullmatch(body[2])):
            (raw if part[3] else found)[f"body.layers.{part[1]}.{part[2]}"] = tensor
        elif body and (part := _QRNN.fullmatch(body[2])):
            end = "_reverse" if part[2] else ""
            (raw if part[4] else found)[f"body.layers.{part[1]}.{part[3]}{end}"] = tensor
        elif head := _HEAD.fullmatch(name):
            found[f"head.blocks.{head[1]}.{('norm', 'linear')[int(head[2])]}.{head[3]}"] = tensor
        else:
            unknown.append(name)
    if unknown:
        raise WeightsError(f"No AWD-LSTM of fastai has tensors named {', '.join(sorted(unknown)[:5])}.")
    embeddings = found.get("body.embedding.weight")
    if embeddings is None or embeddings.ndim != 2:
        raise WeightsError("Expected an AWD-LSTM of fastai with a matrix '0.encoder.weight'; found none.")
    if not all(torch.equal(tensor, embeddings) for tensor in tied):
        raise WeightsError("Expected a decoder tied to the embeddings; found one with other weights.")
    if "1.decoder.weight" in tensors and "decoder.bias" not in found:
        found["decoder.bias"] = embeddings.new_zeros(len(embeddings))
    return found | raw
