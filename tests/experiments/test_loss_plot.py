"""The picture of a training: what stands in it, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import textgraft as tg
from textgraft.core.plan import gradual_unfreezing
from textgraft.experiments.pictures.losses import draw_losses, losses_figure
from textgraft.training.records import EpochReport, Training

PLAN = gradual_unfreezing(("body", "head"), 0.01, epochs_each=2, last_epochs=4)


def make_training(valid: bool = True, phases: int = 2) -> Training:
    reports = tuple(
        EpochReport(
            phase=f"phase {(epoch - 1) * phases // 6 + 1}",
            epoch=epoch,
            epochs=6,
            train_loss=2.0 / epoch,
            valid_loss=1.0 + (epoch - 4) ** 2 / 10 if valid else None,
            rates=(0.0, 0.01 * (1 - epoch / 7)),
            rows=100,
            seconds=1.0,
        )
        for epoch in range(1, 7)
    )
    return Training(PLAN, reports, 4 if valid else 6)


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")])
def test_the_ending_chooses_the_format(tmp_path: Path, ending: str, start: bytes) -> None:
    path = tmp_path / f"losses.{ending}"
    draw_losses(make_training(), path)
    assert path.read_bytes().startswith(start)


def test_both_losses_and_the_rate_are_drawn_and_the_best_is_marked() -> None:
    losses, rate = losses_figure(make_training()).axes
    train, held_out, best = losses.lines
    assert train.get_ydata() == pytest.approx([2.0 / epoch for epoch in range(1, 7)])
    assert list(held_out.get_xdata()) == [1, 2, 3, 4, 5, 6]
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (4, 1.0)
    assert best.get_label() == "best: epoch 4"
    assert rate.lines[0].get_ydata()[0] == pytest.approx(0.01 * 6 / 7)


def test_without_held_out_rows_none_are_drawn() -> None:
    losses, _ = losses_figure(make_training(valid=False)).axes
    assert [line.get_label() for line in losses.lines] == ["training rows"]


def test_phases_are_named_and_every_other_one_is_shaded() -> None:
    losses, rate = losses_figure(make_training(phases=3)).axes
    above = losses.child_axes[0]
    assert [tick.get_text() for tick in above.get_xticklabels()] == ["phase 1", "phase 2", "phase 3"]
    assert list(above.get_xticks()) == [1.5, 3.5, 5.5]
    for axes in (losses, rate):
        (shade,) = axes.patches
        assert (shade.get_x(), shade.get_width()) == (2.5, 2.0)


def test_one_epoch_and_names_that_look_like_formulas(tmp_path: Path) -> None:
    training = make_training()
    one = replace(training, reports=(replace(training.reports[0], phase="$x_{1$"),), best_epoch=1)
    draw_losses(one, tmp_path / "one.svg")
    assert "<!-- $x_{1$ -->" in (tmp_path / "one.svg").read_text(encoding="utf-8")


def test_pyplot_and_its_settings_are_left_alone(tmp_path: Path) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    draw_losses(make_training(), tmp_path / "losses.png")
    assert dict(mpl.rcParams) == before


def test_what_cannot_be_drawn_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(tg.ParameterError, match=r"\.png, \.svg or \.pdf"):
        draw_losses(make_training(), tmp_path / "losses.jpg")
    with pytest.raises(tg.ParameterError, match="No epoch"):
        draw_losses(replace(make_training(), reports=()), tmp_path / "losses.png")
    with pytest.raises(tg.ParameterError, match="Cannot write"):
        draw_losses(make_training(), tmp_path / "nowhere" / "losses.png")
    assert not list(tmp_path.iterdir())
