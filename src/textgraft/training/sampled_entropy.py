"""Cross entropy over a large vocabulary from a sample of it.

Jean, Cho, Memisevic and Bengio, "On Using Very Large Target Vocabulary for Neural Machine
Translation", 2015, after Bengio and Senécal, "Adaptive Importance Sampling to Accelerate
Training of a Neural Probabilistic Language Model", 2008. For training only: the loss of a sample is no
loss to compare models by.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from textgraft.errors import ParameterError
from textgraft.training.chunked_entropy import IGNORED


@dataclass(frozen=True)
class Sampler:
    """Words that stand for the whole vocabulary, drawn anew for each batch, with replacement.

    Attributes:
        shares: (v,) probability of each word to be drawn, all above 0, such as its frequency.
        words: how many are drawn; all words of text in a batch share them.

    Raises:
        ParameterError: shares that are no probabilities, or no words.
    """

    shares: Tensor
    words: int

    def __post_init__(self) -> None:
        faults = []
        if not bool((self.shares > 0).all()) or abs(float(self.shares.double().sum()) - 1.0) > 1e-3:
            faults.append("shares must all be above 0 and sum to 1")
        if self.words < 1:
            faults.append(f"words must be 1 or more, found {self.words}")
        if faults:
            raise ParameterError.of("Sampler", faults)

    @classmethod
    def log_uniform(cls, n_words: int, words: int) -> Sampler:
        """For a vocabulary in order of falling frequency, which by Zipf's law need not be counted."""
        ranks = torch.arange(1, n_words + 2, dtype=torch.float64).log()
        return cls(((ranks[1:] - ranks[:-1]) / ranks[-1]).float(), words)


def sampled_cross_entropy(
    states: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, sampler: Sampler
) -> Tensor:
    """Mean cross entropy with the sum over all words estimated from a sample, without bias.

    Of logits l, a target y and words w drawn k times with probability q, the sum over the vocabulary is
    exp l_y + Σ exp(l_w) / (k q_w) over drawn words that are not y. Arguments as those of
    :func:`textgraft.training.chunked_entropy.linear_cross_entropy`.
    """
    asked = targets != IGNORED
    states, targets = states[asked], targets[asked]
    drawn = torch.multinomial(sampler.shares, sampler.words, replacement=True).to(targets.device)
    others = F.linear(states, F.embedding(drawn, weight), bias[drawn])
    wide = torch.promote_types(others.dtype, torch.float32)
    weighed = others.to(wide) - (sampler.words * sampler.shares.to(drawn.device)[drawn]).log()
    weighed = weighed.masked_fill(drawn == targets[:, None], float("-inf"))
    own = (states.to(wide) * F.embedding(targets, weight)).sum(1) + bias[targets]
    each = torch.cat([own[:, None], weighed], dim=1).logsumexp(1) - own
    return each.sum() / max(len(each), 1)
