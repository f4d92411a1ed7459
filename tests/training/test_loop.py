"""The loop: what learns, at what rate, on which rows, and what is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small import (
    CLASSES,
    Steps,
    TwoLayers,
    close,
    loss_of,
    plan_of,
    same,
    some_batches,
    some_rows,
    weights_of,
)
from torch import Tensor, nn

import textgraft as tg
from textgraft.core.plan import Plan, gradual_unfreezing, one_cycle
from textgraft.core.progress import Progress
from textgraft.core.schedules import LinearDecay, OneCycle
from textgraft.errors import TrainingError
from textgraft.training.checkpoints import RunFolder
from textgraft.training.loop import Settings, train
from textgraft.training.records import EpochReport

GROUPS = ("body", "head")


def accuracy(network: nn.Module, n: int = 200) -> float:
    rows, codes = some_rows(n, seed=5)
    with torch.no_grad():
        return float((network(torch.from_numpy(rows)).argmax(1).numpy() == codes).mean())


def changed(before: dict[str, Tensor], network: nn.Module) -> set[str]:
    """Top-level names of modules with a tensor that is no longer the same, bit for bit."""
    after = network.state_dict()
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


# ── learning ────────────────────────────────────────────────────────────────────────


def test_it_learns_and_leaves_the_network_ready_to_predict() -> None:
    network = TwoLayers(dropout=0.1)
    training = train(network, one_cycle(GROUPS, 8, 0.03), some_batches(120), loss_of)
    assert accuracy(network) > 0.9
    losses = [report.train_loss for report in training.reports]
    assert losses[-1] < 0.5 * losses[0]
    assert [report.epoch for report in training.reports] == list(range(1, 9))
    assert all(report.rows == 120 and report.epochs == 8 for report in training.reports)
    assert training.best_epoch == 8
    assert training.notes == ()
    assert not any(part.training for part in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_frozen_groups_stay_bit_for_bit_running_statistics_too() -> None:
    network = TwoLayers(norm=True, dropout=0.2)
    before = weights_of(network)
    train(network, plan_of((0.0, 0.05), epochs=3), some_batches(), loss_of)
    assert changed(before, network) == {"head"}


def test_a_group_frozen_in_one_phase_learns_in_the_next() -> None:
    network, seen = TwoLayers(), []
    before = weights_of(network)
    train(
        network,
        plan_of((0.0, 0.05), (0.05, 0.05), (0.05, 0.0)),
        some_batches(),
        loss_of,
        watch_epoch=lambda _: seen.append(weights_of(network)),
    )
    steps = list(zip([before, *seen[:-1]], seen, strict=True))
    moved = [{n.split(".")[0] for n in a if not torch.equal(a[n], b[n])} for a, b in steps]
    assert moved == [{"head"}, {"body", "head"}, {"body"}]


def test_discriminative_rates_are_obeyed() -> None:
    # the first step of Adam moves each number by its rate, whatever the gradient is
    network = TwoLayers()
    before = weights_of(network)
    rows, codes = some_rows(12)
    train(network, plan_of((0.001, 0.016)), Steps(rows, codes, [[range(12)]]), loss_of)
    for name, tensor in network.state_dict().items():
        rate = 0.001 if name.startswith("body") else 0.016
        assert torch.allclose((tensor - before[name]).abs(), torch.tensor(rate), rtol=0.01), name


def test_a_phase_of_one_step_learns_at_the_rate_of_its_middle() -> None:
    # at its very start this schedule's rate is 0, and nothing would be learned
    network = TwoLayers()
    before = weights_of(network)
    rows, codes = some_rows(12)
    plan = plan_of((0.01, 0.01), schedule=LinearDecay(warmup=0.0))
    train(network, plan, Steps(rows, codes, [[range(12)]]), loss_of)
    assert torch.allclose((network.head.bias - before["head.bias"]).abs(), torch.tensor(0.005), rtol=0.01)


def test_reports_say_the_rates_at_the_end_of_each_epoch() -> None:
    training = train(
        TwoLayers(), plan_of((0.0, 0.1), (0.01, 0.1), epochs=2, schedule=OneCycle()), some_batches(), loss_of
    )
    half = OneCycle().at(0.5)
    expected = [(0.0, 0.1 * half), (0.0, 0.0), (0.01 * half, 0.1 * half), (0.0, 0.0)]
    assert [report.rates for report in training.reports] == expected
    assert [report.phase for report in training.reports] == ["phase 1", "phase 1", "phase 2", "phase 2"]


def test_weight_decay_shrinks_matrices_only() -> None:
    network = TwoLayers()
    before = weights_of(network)
    plan = one_cycle(GROUPS, 1, 0.1, weight_decay=0.5)
    rows, codes = some_rows(12)
    # no gradient at all: only decay moves anything
    train(network, plan, Steps(rows, codes, [[range(12)]]), lambda net, batch: loss_of(net, batch) * 0.0)
    share = OneCycle().at(0.5)
    assert torch.allclose(network.head.weight, before["head.weight"] * (1 - 0.1 * share * 0.5))
    assert torch.equal(network.head.bias, before["head.bias"])


# ── what a step is ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("parts", [[range(4), range(4, 12)], [[0], [], range(1, 12)]])
def test_a_step_in_parts_is_the_whole_step(parts: list[list[int]]) -> None:
    rows, codes = some_rows(12)
    whole, split = TwoLayers(), TwoLayers()
    plan = plan_of((0.01, 0.02), epochs=4)
    one = train(whole, plan, Steps(rows, codes, [[range(12)]]), loss_of)
    other = train(split, plan, Steps(rows, codes, [parts]), loss_of)
    assert close(weights_of(whole), weights_of(split))
    assert [r.train_loss for r in one.reports] == pytest.approx([r.train_loss for r in other.reports])


def test_accumulated_steps_are_one_larger_step_unequal_ones_too() -> None:
    rows, codes = some_rows(20)
    small = Steps(rows, codes, [[range(5)], [range(5, 12)], [range(12, 18)], [range(18, 20)]])
    large = Steps(rows, codes, [[range(12)], [range(12, 20)]])
    one, other = TwoLayers(), TwoLayers()
    plan = plan_of((0.01, 0.02), epochs=3, schedule=OneCycle())
    train(one, plan, small, loss_of, settings=Settings(accumulate=2))
    train(other, plan, large, loss_of)
    assert close(weights_of(one), weights_of(other))


def test_a_rest_that_does_not_fill_an_accumulation_is_a_step_of_its_own() -> None:
    rows, codes = some_rows(12)
    seen: list[Progress] = []
    train(
        TwoLayers(),
        plan_of((0.1, 0.1), epochs=2),
        Steps(rows, codes, [[range(5)], [range(5, 9)], [range(9, 12)]]),
        loss_of,
        settings=Settings(accumulate=2),
        watch=seen.append,
    )
    assert [(told.what, told.done, told.total) for told in seen] == [
        ("training", done, 6) for done in (2, 3, 5, 6)
    ]


def test_long_gradients_are_clipped_to_the_length_asked_for() -> None:
    # Adam forgets the scale of gradients except beside its epsilon of 1e-8
    rows, codes = some_rows(12)
    free, clipped = TwoLayers(), TwoLayers()
    steps = Steps(rows, codes, [[range(12)]])
    before = weights_of(free)
    train(free, plan_of((0.01, 0.01)), steps, loss_of, settings=Settings(clip=math.inf))
    train(clipped, plan_of((0.01, 0.01)), steps, loss_of, settings=Settings(clip=1e-10))
    moved = [
        math.sqrt(sum(float(((net.state_dict()[n] - before[n]) ** 2).sum()) for n in before))
        for net in (free, clipped)
    ]
    # a gradient of length 1e-10 against 1e-8: a step of about a hundredth of the rate
    assert moved[1] == pytest.approx(0.01 * 1e-10 / 1e-8, rel=0.05)
    assert moved[0] > 50 * moved[1]


# ── held-out rows ───────────────────────────────────────────────────────────────────


def overfitting(**settings: Any) -> tuple[TwoLayers, list[dict[str, Tensor]], Any]:
    """A network that learns nonsense codes, its weights after each epoch, and its training."""
    rows, _ = some_rows(30)
    codes = np.random.default_rng(3).integers(0, CLASSES, 30)
    network, seen = TwoLayers(norm=True), []
    training = train(
        network,
        plan_of((0.05, 0.05), epochs=12),
        Steps(rows, codes, [[range(15)], [range(15, 30)]]),
        loss_of,
        valid=some_batches(30, seed=8),
        settings=Settings(**settings),
        watch_epoch=lambda _: seen.append(weights_of(network)),
    )
    return network, seen, training


@pytest.mark.parametrize("patience", [None, 0, 1, 2, 3])
def test_the_best_weights_are_kept_running_statistics_too(patience: int | None) -> None:
    network, seen, training = overfitting(patience=patience)
    losses = [report.valid_loss for report in training.reports]
    best = int(np.argmin(losses))
    assert training.best_epoch == best + 1
    assert same(weights_of(network), seen[best])
    if patience is None:
        assert len(losses) == 12
        assert training.notes == ()
    else:
        assert best < len(losses) - 1
        # it stops after so many epochs in a row without a better one, and not before
        waits = [number - int(np.argmin(losses[: number + 1])) for number in range(len(losses))]
        assert waits[-1] == max(patience, 1)
        assert max(waits[:-1]) < max(patience, 1)
        assert f"Stopped after epoch {len(losses)} of 12" in training.notes[0]
        assert f"best after epoch {best + 1}" in training.notes[0]


def test_the_held_out_loss_is_a_mean_over_rows() -> None:
    network = TwoLayers(dropout=0.5)
    rows, codes = some_rows(25, seed=4)
    valid = Steps(rows, codes, [[range(20)], [[20], range(21, 25)]])
    training = train(network, plan_of((0.05, 0.05)), some_batches(), loss_of, valid=valid)
    with torch.no_grad():
        whole = float(loss_of(network, (torch.from_numpy(rows), torch.from_numpy(codes))))
    assert training.reports[0].valid_loss == pytest.approx(whole, rel=1e-5)


def test_held_out_rows_that_are_none_are_as_no_held_out_rows() -> None:
    training = train(
        TwoLayers(), plan_of((0.05, 0.05), epochs=3), some_batches(), loss_of, valid=some_batches(0)
    )
    assert [report.valid_loss for report in training.reports] == [None] * 3
    assert training.best_epoch == 3


def test_measuring_does_not_change_what_is_learned() -> None:
    networks = TwoLayers(dropout=0.3), TwoLayers(dropout=0.3)
    seen: list[list[dict[str, Tensor]]] = [[], []]
    for network, valid, weights in zip(networks, (None, some_batches(20, seed=7)), seen, strict=True):
        train(
            network,
            plan_of((0.02, 0.02), epochs=3),
            some_batches(),
            loss_of,
            valid=valid,
            watch_epoch=lambda _, n=network, w=weights: w.append(weights_of(n)),
        )
    assert all(same(one, other) for one, other in zip(*seen, strict=True))


# ── plans at their edges ────────────────────────────────────────────────────────────


def test_phases_in_which_nothing_learns_are_passed_over_and_counted() -> None:
    plan = Plan(
        GROUPS,
        tuple(
            replace(plan_of(rates).phases[0], epochs=epochs)
            for rates, epochs in [((0.0, 0.0), 3), ((0.0, 0.05), 2), ((0.1, 0.1), 0), ((0.05, 0.05), 1)]
        ),
    )
    network = TwoLayers()
    training = train(network, plan, some_batches(), loss_of)
    assert [report.epoch for report in training.reports] == [4, 5, 6]
    assert [len(report.rates) for report in training.reports] == [2, 2, 2]
    assert training.best_epoch == 6


@pytest.mark.parametrize("plan", [Plan(GROUPS, ()), plan_of((0.0, 0.0)), plan_of((0.1, 0.1), epochs=0)])
def test_a_plan_that_does_nothing_changes_nothing(plan: Plan) -> None:
    network = TwoLayers()
    before = weights_of(network)
    training = train(network, plan, some_batches(), loss_of, valid=some_batches(9))
    assert training.reports == ()
    assert training.best_epoch == 0
    assert same(before, weights_of(network))


def test_gradual_unfreezing_to_the_end() -> None:
    network = TwoLayers(dropout=0.1)
    training = train(network, gradual_unfreezing(GROUPS, 0.05, last_epochs=6), some_batches(120), loss_of)
    assert [report.phase for report in training.reports] == ["last 1"] + ["all layers"] * 6
    assert accuracy(network) > 0.85


def test_another_networks_plan_is_refused_before_anything_moves() -> None:
    network = TwoLayers()
    for groups in (["body"], ["head", "body"], ["body", "head", "top"]):
        with pytest.raises(tg.ParameterError, match="The plan is for the layer groups"):
            train(network, one_cycle(groups, 1, 0.1), some_batches(), loss_of)


def test_no_rows_at_all() -> None:
    with pytest.raises(TrainingError, match="no rows"):
        train(TwoLayers(), plan_of((0.1, 0.1)), some_batches(0), loss_of)


def test_settings_that_cannot_be_are_told_at_once() -> None:
    with pytest.raises(tg.ParameterError, match=r"clip .* accumulate .* patience .* seed"):
        Settings(clip=0.0, accumulate=0, patience=-1, seed=-1)


# ── where it breaks ─────────────────────────────────────────────────────────────────


def breaking(at: int, how: Callable[[Tensor], Tensor]) -> Callable[[Any, Any], Tensor]:
    """A loss that goes wrong at one call."""
    calls = 0

    def loss(network: Any, batch: Any) -> Tensor:
        nonlocal calls
        calls += 1
        right = loss_of(network, batch)
        return how(right) if calls == at else right

    return loss


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_loss_that_is_no_number_names_its_place_and_keeps_weights_and_checkpoint(
    wrong: float, tmp_path: Path
) -> None:
    network, seen = TwoLayers(), []
    with pytest.raises(TrainingError) as caught:
        train(
            network,
            plan_of((0.01, 0.02), epochs=3),
            some_batches(60, 10),
            breaking(9, lambda loss: loss * wrong),
            settings=Settings(run=RunFolder(tmp_path / "run", "x"), options={"rate": "encoder_rate"}),
            watch=lambda _: seen.append(weights_of(network)),
        )
    said = str(caught.value)
    assert "The loss is no number at step 3 of epoch 2 (highest rate 2.0e-02)" in said
    assert "Use a lower rate (-o encoder_rate …) or" in said
    assert f"{tmp_path / 'run'} is of this rate: another one needs another run folder" in said
    assert "\n" not in said
    assert same(weights_of(network), seen[7])
    assert len(seen) == 8
    assert all(parameter.grad is None for parameter in network.parameters())
    found = RunFolder(tmp_path / "run", "x").read()
    assert found is not None
    assert found[0]["epoch"] == 1


def test_a_gradient_that_is_no_number_is_told_apart() -> None:
    # the square root's gradient at nothing is infinite, and infinity times nothing is no number
    def loss(network: Any, batch: Any) -> Tensor:
        right = loss_of(network, batch)
        return right + (network.head.weight * 0.0).pow(2).sum().sqrt()

    network = TwoLayers()
    before = weights_of(network)
    with pytest.raises(TrainingError, match="The gradient is no number at step 1 of epoch 1"):
        train(network, plan_of((0.01, 0.01)), some_batches(), loss)
    assert same(before, weights_of(network))


def test_a_held_out_loss_that_is_no_number_is_an_error_too() -> None:
    rows, codes = some_rows(5)
    rows[3] = np.nan
    with pytest.raises(TrainingError, match="held-out rows is no number after epoch 1"):
        train(
            TwoLayers(), plan_of((0.1, 0.1)), some_batches(), loss_of, valid=Steps(rows, codes, [[range(5)]])
        )


def scarce(
    most: int, said: str = "DefaultCPUAllocator: can't allocate memory"
) -> Callable[[Any, Any], Tensor]:
    """A loss on a machine whose memory holds so many rows."""

    def loss(network: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        found = loss_of(network, batch)
        if len(batch[0]) > most:
            raise RuntimeError(said)
        return found

    return loss


@pytest.mark.parametrize("most", [9, 4, 1])
@pytest.mark.parametrize("said", ["DefaultCPUAllocator: can't allocate memory", "CUDA out of memory. Tried"])
def test_where_memory_ends_batches_are_halved_and_the_result_is_the_same(most: int, said: str) -> None:
    plenty, little = TwoLayers(), TwoLayers()
    plan = plan_of((0.01, 0.02), epochs=3)
    valid = some_batches(33, 17, seed=6)
    one = train(plenty, plan, some_batches(60, 13), loss_of, valid=valid)
    other = train(little, plan, some_batches(60, 13), scarce(most, said), valid=valid)
    assert close(weights_of(plenty), weights_of(little))
    for a, b in zip(one.reports, other.reports, strict=True):
        assert (a.train_loss, a.valid_loss) == pytest.approx((b.train_loss, b.valid_loss), rel=1e-4)
    assert one.notes == ()
    assert "did not fit in memory" in other.notes[0]
    assert "which changes time but not what a batch weighs" in other.notes[0]
    assert f"computed in up to {2 ** math.ceil(math.log2(17 / most))} parts" in other.notes[0] or most == 1


def test_rows_that_are_compared_are_divided_into_parts_that_have_a_loss_and_the_note_says_so() -> None:
    rows, codes = some_rows(24)
    steps = Steps(rows, codes, [[range(16)], [range(16, 24)]])
    steps.fewest = 3
    seen: list[int] = []

    def where(most: int) -> Callable[[Any, Any], Tensor]:
        def loss(network: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
            seen.append(len(batch[0]))
            return scarce(most)(network, batch)

        return loss

    training = train(TwoLayers(), plan_of((0.1, 0.1)), steps, where(4))
    assert seen == [16, 8, 4, 4, 4, 4, 4, 4]
    (note,) = training.notes
    assert "computed in up to 4 parts, and rows were compared with those of their own part alone" in note
    assert "not what a batch weighs" not in note
    seen.clear()
    with pytest.raises(TrainingError, match="as few rows as the loss can compare does not fit in memory"):
        train(TwoLayers(), plan_of((0.1, 0.1)), steps, where(2))
    assert min(seen) >= 3


def test_memory_may_end_while_measuring_only() -> None:
    training = train(
        TwoLayers(), plan_of((0.1, 0.1)), some_batches(40, 5), scarce(5), valid=some_batches(40, 40)
    )
    assert training.reports[0].valid_loss is not None


def test_one_row_too_large_for_memory() -> None:
    with pytest.raises(TrainingError, match=r"does not fit in memory\. Shorten the longest texts, or"):
        train(TwoLayers(), plan_of((0.1, 0.1)), some_batches(), scarce(0))


def test_an_error_names_only_options_that_there_are() -> None:
    tokens = Settings(options={"max_tokens": "max_tokens"})
    with pytest.raises(TrainingError, match=r"longest texts \(-o max_tokens …\), or"):
        train(TwoLayers(), plan_of((0.1, 0.1)), some_batches(), scarce(0), settings=tokens)
    with pytest.raises(TrainingError, match="Use a lower rate or look"):
        train(TwoLayers(), plan_of((0.1, 0.1)), some_batches(), breaking(1, lambda loss: loss * math.nan))


def test_what_held_the_memory_is_let_go_before_the_next_try() -> None:
    import weakref

    held: list[weakref.ref[Tensor]] = []

    def loss(network: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        activations = network.body(batch[0])
        if len(batch[0]) > 5:
            held.append(weakref.ref(activations))
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        assert all(reference() is None for reference in held)
        return nn.functional.cross_entropy(network.head(activations), batch[1])

    train(TwoLayers(), plan_of((0.1, 0.1)), some_batches(20, 10), loss)
    assert held


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        train(TwoLayers(), plan_of((0.1, 0.1)), some_batches(), scarce(3, "shapes do not agree"))


# ── chance and global state ─────────────────────────────────────────────────────────


def trained(seed: int = 0, dropout: float = 0.4, plan: Plan | None = None) -> dict[str, Tensor]:
    network = TwoLayers(dropout=dropout)
    plan = plan or plan_of((0.01, 0.02), epochs=2)
    train(network, plan, some_batches(), loss_of, settings=Settings(seed=seed))
    return weights_of(network)


def test_a_seed_decides_everything_and_the_callers_state_nothing() -> None:
    torch.manual_seed(1)
    one = trained()
    torch.manual_seed(2)
    torch.rand(7)
    assert same(one, trained())
    assert not same(one, trained(seed=1))
    # without dropout nothing is drawn
    assert same(trained(seed=0, dropout=0.0), trained(seed=1, dropout=0.0))


def test_the_callers_random_state_is_left_alone() -> None:
    torch.manual_seed(3)
    before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    trained()
    assert torch.equal(before, torch.random.get_rng_state())
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002
    with pytest.raises(TrainingError):
        train(TwoLayers(), plan_of((0.1, 0.1)), some_batches(), scarce(0))
    assert torch.equal(before, torch.random.get_rng_state())


def test_masks_differ_from_step_to_step() -> None:
    drawn: list[float] = []

    def loss(network: Any, batch: Any) -> Tensor:
        drawn.append(float(torch.rand(())))
        return loss_of(network, batch)

    train(TwoLayers(), plan_of((0.1, 0.1), epochs=2), some_batches(60, 10), loss)
    assert len(set(drawn)) == len(drawn) == 12


def test_gradients_flow_where_the_caller_switched_them_off() -> None:
    expected = trained()
    with torch.no_grad():
        assert same(expected, trained())
    assert torch.is_grad_enabled()


def test_one_process_leaves_accelerate_alone_whatever_the_caller_does_with_it() -> None:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, PartialState

    expected = trained()
    assert not PartialState._shared_state
    try:
        mine = Accelerator(cpu=True, mixed_precision="bf16")
        assert same(expected, trained())
        network = TwoLayers()
        train(network, plan_of((0.01, 0.02)), some_batches(), loss_of, settings=Settings(bf16=True))
        assert mine.mixed_precision == "bf16"
        prepared = mine.prepare(nn.Linear(2, 2))
        mine.backward(prepared(torch.ones(1, 2)).sum())
    finally:
        AcceleratorState._reset_state(True)
    assert same(expected, trained())


def test_bf16_learns_about_the_same_in_weights_of_fp32() -> None:
    network = TwoLayers()
    train(network, one_cycle(GROUPS, 8, 0.03), some_batches(120), loss_of, settings=Settings(bf16=True))
    assert accuracy(network) > 0.9
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())


# ── telling ─────────────────────────────────────────────────────────────────────────


def test_every_step_and_every_epoch_is_told_and_logged(tmp_path: Path) -> None:
    steps: list[Progress] = []
    epochs: list[EpochReport] = []
    run = RunFolder(tmp_path / "deep" / "run", "x")
    training = train(
        TwoLayers(),
        plan_of((0.0, 0.1), (0.1, 0.1), epochs=2),
        some_batches(60, 10),
        loss_of,
        settings=Settings(run=run),
        watch=steps.append,
        watch_epoch=epochs.append,
    )
    # with the losses of the epoch before
    found = ["", *(report.losses for report in training.reports)]
    assert steps == [Progress("training", done, 24, found=found[(done - 1) // 6]) for done in range(1, 25)]
    assert tuple(epochs) == training.reports
    logged = [json.loads(line) for line in run.log.read_text(encoding="utf-8").splitlines()]
    assert [(line["event"], line["epoch"], line["train_loss"]) for line in logged] == [
        ("epoch", report.epoch, report.train_loss) for report in training.reports
    ]


def test_batches_of_any_nesting_are_moved() -> None:
    from textgraft.training.batches import TokenBatch
    from textgraft.training.step import to_device

    one = torch.ones(1)
    batch = {"a": (one, [one, "text"]), "b": TokenBatch(one, one, one), "c": None}
    moved = to_device(batch, torch.device("meta"))
    assert moved["a"][0].is_meta
    assert moved["a"][1][0].is_meta
    assert moved["a"][1][1] == "text"
    assert isinstance(moved["b"], TokenBatch)
    assert moved["b"].codes.is_meta
    assert moved["c"] is None
