"""What a language model is asked to make small."""

from __future__ import annotations

import torch
from torch import Tensor

from textgraft.networks.awd_lstm import State
from textgraft.networks.language_model import LanguageModel
from textgraft.training.chunked_entropy import linear_cross_entropy
from textgraft.training.sampled_entropy import Sampler, sampled_cross_entropy

ALPHA, BETA = 2.0, 1.0
"""Weights of activation and temporal activation regularisation (Merity, Keskar and Socher, 2017)."""


def language_model_loss(
    network: LanguageModel,
    ids: Tensor,
    targets: Tensor,
    state: State | None = None,
    starts: Tensor | None = None,
    *,
    alpha: float = ALPHA,
    beta: float = BETA,
    sampler: Sampler | None = None,
) -> tuple[Tensor, State]:
    """Mean cross entropy of the next words; while training, with both regularisations added.

    Args:
        network: a language model.
        ids: (b, t) words of a window.
        targets: (b, t) the word after each; −100 where none is asked for.
        state, starts: as in :meth:`textgraft.networks.awd_lstm.AWDLSTM.forward`.
        alpha: weight of :func:`activation_regularisation`.
        beta: weight of :func:`temporal_activation_regularisation`.
        sampler: while training, asks a sample of the vocabulary instead of all of it.

    Returns:
        loss: one number, fp32.
        state: after the window, still part of the graph.
    """
    raw, dropped, after = network(ids, state, starts)
    asked = dropped.flatten(0, 1), network.body.embedding.weight, network.decoder.bias, targets.flatten()
    if sampler and network.training:
        loss = sampled_cross_entropy(*asked, sampler)
    else:
        loss = linear_cross_entropy(*asked)
    if network.training and alpha:
        loss = loss + alpha * activation_regularisation(dropped)
    if network.training and beta:
        loss = loss + beta * temporal_activation_regularisation(raw)
    return loss, after


def activation_regularisation(dropped: Tensor) -> Tensor:
    """Mean square of states (b, t, e) after dropout.

    Merity, McCann and Socher, "Revisiting Activation Regularization for Language RNNs", 2017, as
    fastai's ``RNNRegularizer`` has it: a mean, where the paper has a length.
    """
    return _wide(dropped).square().mean()


def temporal_activation_regularisation(raw: Tensor) -> Tensor:
    """Mean square of the change of states (b, t, e) from word to word, before dropout; 0 for one word.

    Same source. fastai leaves it out for a batch of one row; we leave it out for a window of one word,
    which has no change.
    """
    if raw.shape[1] < 2:
        return raw.new_zeros((), dtype=torch.promote_types(raw.dtype, torch.float32))
    return (_wide(raw[:, 1:]) - _wide(raw[:, :-1])).square().mean()


def _wide(states: Tensor) -> Tensor:
    return states.to(torch.promote_types(states.dtype, torch.float32))
