"""The heatmap: what stands in the figure, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft.experiments.pictures.heatmap import draw_heatmap, heatmap_figure

TEXTS = ["How old are you?", "What is your age?", "Will it snow?", "Costs $5 or $x_{1$"]
VALUES = np.array(
    [[1.0, 0.76, 0.2, -0.05], [0.76, 1.0, 0.1, 0.0], [0.2, 0.1, 1.0, -0.001], [-0.05, 0.0, -0.001, 1.0]]
)


def ticks(figure: Any) -> list[str]:
    return [tick.get_text() for tick in figure.axes[0].get_yticklabels()]


def cells(figure: Any) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")])
def test_the_ending_chooses_the_format(tmp_path: Path, ending: str, start: bytes) -> None:
    path = tmp_path / f"map.{ending}"
    draw_heatmap(TEXTS, VALUES, path, labels=list("abab"))
    assert path.read_bytes().startswith(start)


def test_the_written_file_says_texts_values_and_groups(tmp_path: Path) -> None:
    draw_heatmap(TEXTS, VALUES, tmp_path / "map.svg", labels=["b", "b", "$a$", "$a$"])
    # matplotlib draws letters as paths and writes each text beside them as a comment
    drawn = (tmp_path / "map.svg").read_text(encoding="utf-8")
    for said in (*TEXTS, "0.76", "−0.05", "$a$", "cosine similarity (below 0 drawn as 0)"):
        assert f"<!-- {said} -->" in drawn
    assert "<!-- −0.00 -->" not in drawn


def test_values_are_clipped_at_zero_and_the_colour_bar_says_so() -> None:
    figure = heatmap_figure(TEXTS, VALUES)
    assert cells(figure).tolist() == np.clip(VALUES, 0, 1).tolist()
    assert figure.axes[0].images[0].get_clim() == (0.0, 1.0)
    bar = figure.axes[0].child_axes[0]
    assert bar.get_ylabel() == "cosine similarity (below 0 drawn as 0)"
    positive = heatmap_figure(TEXTS, np.abs(VALUES))
    assert positive.axes[0].child_axes[0].get_ylabel() == "cosine similarity"


def test_labels_sort_rows_into_groups_with_lines_between_them() -> None:
    figure = heatmap_figure(TEXTS, VALUES, labels=["b", "a", None, "a"])
    assert ticks(figure) == [TEXTS[2], TEXTS[1], TEXTS[3], TEXTS[0]]
    assert cells(figure)[3, 1] == VALUES[0, 1]
    assert [line.get_ydata()[0] for line in figure.axes[0].lines[::2]] == [0.5, 2.5]
    groups = figure.axes[0].child_axes[-1]
    assert [tick.get_text() for tick in groups.get_xticklabels()] == ["(no label)", "a", "b"]
    assert list(groups.get_xticks()) == [0.0, 1.5, 3.0]


def test_without_labels_the_order_is_kept_and_no_line_is_drawn() -> None:
    figure = heatmap_figure(TEXTS, VALUES)
    assert ticks(figure) == TEXTS
    assert not figure.axes[0].lines


@pytest.mark.parametrize(("n", "values", "names"), [(15, 225, 15), (16, 0, 16), (60, 0, 60), (61, 0, 0)])
def test_what_is_written_depends_on_how_many_texts(n: int, values: int, names: int) -> None:
    figure = heatmap_figure([f"text {i}" for i in range(n)], np.eye(n))
    assert len(figure.axes[0].texts) == values
    assert len(ticks(figure)) == names
    assert figure.axes[0].get_xlabel() == ("" if names else "61 texts")


def test_the_figure_grows_with_the_texts_up_to_a_cap() -> None:
    widths = [heatmap_figure(["x"] * n, np.eye(n)).get_figwidth() for n in (2, 10, 24, 200)]
    assert widths == sorted(widths)
    assert widths[0] < widths[1] < widths[2] == widths[3] <= 14


def test_long_texts_are_shortened_and_stay_on_one_line() -> None:
    figure = heatmap_figure(["a\nb\r\n  c", "word " * 100_000], np.eye(2))
    first, second = ticks(figure)
    assert first == "a b c"
    assert second.endswith("…")
    assert 35 <= len(second) <= 40


def test_signs_without_a_glyph_become_boxes_and_warn_of_nothing(tmp_path: Path) -> None:
    # warnings are errors here; a private-use sign is in no font that is tried
    texts = ["plain", "pay \ue123 now", "我的卡 🪪 नमस्ते", "nul \0 \ud800"]
    draw_heatmap(texts, np.eye(4), tmp_path / "map.png", labels=["\ue124", "ok", "ok", "ok"])
    assert ticks(heatmap_figure(texts, np.eye(4)))[:2] == ["plain", "pay □ now"]


def test_pyplot_and_its_settings_are_left_alone(tmp_path: Path) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    draw_heatmap(TEXTS, VALUES, tmp_path / "map.png")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("texts", "values", "labels", "said"),
    [
        (["one"], np.eye(1), None, "two texts or more, found 1"),
        ([], np.empty((0, 0)), None, "two texts or more, found 0"),
        (["a", "b"], np.eye(3), None, r"shape \(2, 2\), found \(3, 3\)"),
        (["a", "b"], np.full((2, 2), np.nan), None, "NaN"),
        (["a", "b"], np.eye(2), ["x"], "found 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    tmp_path: Path, texts: list[str], values: np.ndarray, labels: list[str] | None, said: str
) -> None:
    with pytest.raises(tg.ParameterError, match=said):
        draw_heatmap(texts, values, tmp_path / "map.png", labels=labels)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["map.jpg", "map", ".png", "map.png.txt"])
def test_other_endings_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(tg.ParameterError, match=r"\.png, \.svg or \.pdf"):
        draw_heatmap(TEXTS, VALUES, tmp_path / name)


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(tg.ParameterError, match="Cannot write"):
        draw_heatmap(TEXTS, VALUES, tmp_path / "nowhere" / "map.png")


@given(st.lists(st.text(max_size=50), min_size=2, max_size=4))
@settings(max_examples=8, deadline=None)
def test_any_text_can_be_drawn(texts: list[str]) -> None:
    figure = heatmap_figure(
        texts, np.eye(len(texts)), labels=[text.replace("<rejected>", "") for text in texts]
    )
    figure.canvas.draw()
    assert len(ticks(figure)) == len(texts)


def test_similarities_of_a_classifier(tmp_path: Path) -> None:
    classifier = tg.KNNClassifier(encoder="hashing").fit(TEXTS, list("aabb"))
    tg.draw_heatmap(TEXTS, classifier.similarities(TEXTS), tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 5_000
