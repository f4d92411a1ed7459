"""What a language model carries from window to window, and that it is exact."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from textgraft.networks.awd_settings import NO_DROPOUT, AWDSettings
from textgraft.networks.language_model import LanguageModel
from textgraft.text.documents import Documents
from textgraft.text.windows import Windows
from textgraft.training.carried import CarriedModel, carried_loss
from textgraft.training.language_batches import LanguageBatches

VOCABULARY = 20


def make_model(kind: str = "lstm", lanes: int = 3) -> CarriedModel:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        settings = AWDSettings(VOCABULARY, 8, 12, 2, 0, "qrnn" if kind == "qrnn" else "lstm")
        return CarriedModel(LanguageModel(settings, NO_DROPOUT), lanes).eval()


def make_batches(window: int, lanes: int = 3) -> LanguageBatches:
    draw = np.random.default_rng(0)
    texts = [np.array([2, *draw.integers(3, VOCABULARY, length)]) for length in (30, 9, 1, 44, 17)]
    return LanguageBatches(Windows(Documents.of(texts), lanes, window, shuffle=False))


def losses(model: CarriedModel, batches: LanguageBatches) -> float:
    """Mean loss over an epoch, as the loop measures it."""
    total = rows = 0.0
    with torch.no_grad():
        for (step,) in batches.steps(0):
            total += float(carried_loss(model, batches.take(step, 0))) * len(step)
            rows += len(step)
    return total / rows


@pytest.mark.parametrize("kind", ["lstm", "qrnn"])
def test_windows_of_any_length_give_the_same_loss(kind: str) -> None:
    whole = losses(make_model(kind), make_batches(1_000))
    for window in (1, 7, 20):
        assert losses(make_model(kind), make_batches(window)) == pytest.approx(whole, rel=1e-5)


def test_nothing_is_left_of_an_epoch_for_the_next() -> None:
    model, batches = make_model(), make_batches(7)
    assert losses(model, batches) == pytest.approx(losses(model, batches), rel=1e-6)


def test_a_step_that_comes_again_in_parts_begins_where_it_began() -> None:
    model, again = make_model(), make_model()
    batches = make_batches(7)
    (first,), (second,), (third,) = batches.steps(0)[:3]
    with torch.no_grad():
        for rows in (first, second, third):
            whole = carried_loss(model, batches.take(rows, 0))
        for rows in (first, second, second[:1], second, second[:2], second[2:], third):
            parted = carried_loss(again, batches.take(rows, 0))
    assert float(parted) == pytest.approx(float(whole), rel=1e-6)
    for name, buffer in model.named_buffers():
        torch.testing.assert_close(again.get_buffer(name), buffer, rtol=1e-5, atol=1e-6)


def test_what_is_carried_is_kept_with_the_weights() -> None:
    model, batches = make_model(), make_batches(7)
    steps = batches.steps(0)
    with torch.no_grad():
        for (rows,) in steps[:2]:
            carried_loss(model, batches.take(rows, 0))
        resumed = make_model()
        resumed.load_state_dict(model.state_dict())
        expected = carried_loss(model, batches.take(steps[2][0], 0))
        assert float(carried_loss(resumed, batches.take(steps[2][0], 0))) == float(expected)
        fresh = carried_loss(make_model(), batches.take(steps[2][0], 0))
    assert float(fresh) != pytest.approx(float(expected), rel=1e-4)


def test_gradients_end_at_the_window() -> None:
    model, batches = make_model(), make_batches(7)
    (first,), (second,) = batches.steps(0)[:2]
    carried_loss(model, batches.take(first, 0))
    # were the first window still part of the graph, its freed tensors would be asked for here
    carried_loss(model, batches.take(second, 0)).backward()
    carried_loss(model, batches.take(second, 0)).backward()
    assert not any(buffer.requires_grad for buffer in model.buffers())
