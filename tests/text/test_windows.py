"""Windows of a language model: every token a target once, and the same for the same seed."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import DataError, ParameterError
from textgraft.text.documents import Documents, backwards
from textgraft.text.special import BOS_ID, PAD_ID
from textgraft.text.windows import LONGEST, SHORTEST, EpochWindows, Windows, drawn_edges

LENGTHS = st.lists(st.integers(0, 40), min_size=1, max_size=30).filter(lambda lengths: sum(lengths) > 1)


def numbered(lengths: list[int]) -> Documents:
    """Documents whose tokens are all different and none of them special, so that each can be followed."""
    ends = np.cumsum([10, *lengths])
    return Documents.of([np.arange(begin, end) for begin, end in pairwise(ends)])


def begun(lengths: list[int]) -> Documents:
    """The same, but each document that is not empty begins with ``<bos>``."""
    documents = numbered(lengths)
    documents.tokens[documents.begins[documents.lengths > 0]] = BOS_ID
    return documents


def lanes_of(epoch: EpochWindows) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """What each lane reads and predicts in an epoch, padding left out."""
    read: dict[int, list[int]] = {}
    predicted: dict[int, list[int]] = {}
    for step in range(len(epoch)):
        window = epoch.window(step)
        for lane, ids, targets in zip(epoch.lanes(step), window.ids, window.targets, strict=True):
            read.setdefault(int(lane), []).extend(ids[ids != PAD_ID].tolist())
            predicted.setdefault(int(lane), []).extend(targets[targets != PAD_ID].tolist())
    return read, predicted


@given(LENGTHS, st.integers(1, 6), st.integers(1, 12), st.integers(0, 3), st.booleans())
def test_every_token_is_a_target_once_but_the_first_and_a_tail_shorter_than_the_lanes(
    lengths: list[int], lanes: int, base: int, number: int, backward: bool
) -> None:
    documents = numbered(lengths)
    if documents.n_tokens <= lanes:
        return
    epoch = Windows(documents, lanes, base, seed=7, backward=backward).epoch(number)
    stream = [int(token) for row in epoch.order for token in documents.ids(row)[:: -1 if backward else 1]]
    read, predicted = lanes_of(epoch)
    tail = (documents.n_tokens - 1) % lanes
    assert [token for lane in range(lanes) for token in predicted[lane]] == stream[1 : len(stream) - tail]
    assert [token for lane in range(lanes) for token in read[lane]] == stream[: len(stream) - tail - 1]
    assert epoch.n_targets == len(stream) - 1 - tail
    assert epoch.n_lanes == lanes
    assert sorted(epoch.order.tolist()) == list(range(len(lengths)))


@given(LENGTHS, st.integers(1, 9), st.integers(1, 12), st.booleans())
def test_measuring_predicts_every_token_but_the_first_once_and_in_order(
    lengths: list[int], lanes: int, base: int, backward: bool
) -> None:
    documents = numbered(lengths)
    epoch = Windows(documents, lanes, base, shuffle=False, backward=backward).epoch(3)
    stream = [
        int(token) for row in range(len(lengths)) for token in documents.ids(row)[:: -1 if backward else 1]
    ]
    read, predicted = lanes_of(epoch)
    assert [token for lane in sorted(predicted) for token in predicted[lane]] == stream[1:]
    assert [token for lane in sorted(read) for token in read[lane]] == stream[:-1]
    assert epoch.n_targets == len(stream) - 1
    counted = [epoch.n_targets_of(step, epoch.lanes(step)) for step in range(len(epoch))]
    shown = [int((epoch.window(step).targets != PAD_ID).sum()) for step in range(len(epoch))]
    assert counted == shown
    assert epoch.n_rows == sum(len(epoch.lanes(step)) for step in range(len(epoch)))
    # a row is there only where it has something to predict
    assert all((epoch.window(step).targets != PAD_ID).any(axis=1).all() for step in range(len(epoch)))


@given(LENGTHS, st.integers(1, 5), st.booleans(), st.booleans())
def test_the_state_is_forgotten_where_a_document_begins_and_in_the_first_step_only_elsewhere(
    lengths: list[int], lanes: int, shuffle: bool, backward: bool
) -> None:
    documents = begun(lengths)
    if documents.n_tokens <= lanes:
        return
    epoch = Windows(documents, lanes, 6, shuffle=shuffle, backward=backward).epoch(0)
    for step in range(len(epoch)):
        window = epoch.window(step)
        expected = window.ids == BOS_ID
        if step == 0:
            expected[:, 0] = True
        assert (window.starts == expected).all()


@given(LENGTHS, st.integers(1, 4))
def test_backward_documents_keep_their_begin_and_are_turned_behind_it(lengths: list[int], lanes: int) -> None:
    documents = begun(lengths)
    epoch = Windows(documents, lanes, 6, shuffle=False, backward=True).epoch(0)
    read, _ = lanes_of(epoch)
    stream = [int(token) for row in range(len(documents)) for token in backwards(documents.ids(row))]
    assert [token for lane in sorted(read) for token in read[lane]] == stream[:-1]


def test_tokens_are_counted_a_part_of_the_documents_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textgraft.text.documents.COUNTED_AT_ONCE", 2)
    documents = Documents.of([np.array([2, 3, 3]), np.array([], dtype=np.int64), np.array([2, 5])])
    assert documents.counts(6).tolist() == [0, 0, 2, 2, 0, 1]
    assert documents.some(np.array([2])).counts(6).tolist() == [0, 0, 1, 0, 0, 1]
    assert documents.some(np.array([], dtype=np.int64)).counts(3).tolist() == [0, 0, 0]


def test_counting_long_documents_takes_little_memory() -> None:
    n, length = 40, 100_000
    tokens = np.arange(n * length, dtype=np.uint16) % 7
    documents = Documents(tokens, np.arange(n) * length, np.full(n, length))
    tracemalloc.start()
    counts = documents.counts(7)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert counts.tolist() == np.bincount(tokens).tolist()
    # all tokens as int64 would be 32 million bytes
    assert peak < 16e6


def test_a_document_backwards_in_numbers() -> None:
    assert backwards(np.array([BOS_ID, 7, 8, 9])).tolist() == [BOS_ID, 9, 8, 7]
    assert backwards(np.array([7, 8, 9])).tolist() == [9, 8, 7]
    assert backwards(np.array([BOS_ID])).tolist() == [BOS_ID]
    assert backwards(np.array([], dtype=np.int64)).tolist() == []


def test_the_picture_of_the_docstring() -> None:
    documents = numbered([4, 3, 5, 1])
    epoch = Windows(documents, 2, base=4, shuffle=False).epoch(0)
    first, second = epoch.window(0), epoch.window(1)
    assert first.ids.tolist() == [[10, 11, 12, 13], [16, 17, 18, 19]]
    assert first.targets.tolist() == [[11, 12, 13, 14], [17, 18, 19, 20]]
    assert first.starts.tolist() == [[True, False, False, False], [True, True, False, False]]
    assert second.targets.tolist() == [[15, 16], [21, 22]]
    assert second.starts.tolist() == [[True, False], [False, False]]


@given(st.integers(0, 3_000), st.integers(1, 90), st.integers(0, 9))
def test_windows_of_a_lane_follow_one_another_and_are_neither_short_nor_long(
    length: int, base: int, seed: int
) -> None:
    edges = drawn_edges(length, base, np.random.default_rng(seed))
    assert edges[0] == 0
    assert edges[-1] == length
    widths = np.diff(edges)
    if length >= SHORTEST:
        assert widths.min() >= min(SHORTEST, base)
    assert (widths <= base + LONGEST + SHORTEST).all()


def test_lengths_are_those_of_awd_lstm() -> None:
    widths = np.diff(drawn_edges(2_000_000, 72, np.random.default_rng(0)))[:-1]
    halved = widths < 54
    assert halved.mean() == pytest.approx(0.05, abs=0.005)
    # int() cuts half a token off
    assert widths[~halved].mean() == pytest.approx(71.5, abs=0.2)
    assert widths[~halved].std() == pytest.approx(5.0, abs=0.2)
    assert widths[halved].mean() == pytest.approx(35.5, abs=0.6)


def test_seed_and_epoch_decide_and_any_step_can_be_had_first() -> None:
    documents = begun([30] * 40)
    windows = Windows(documents, 4, 20, seed=3)
    whole = [windows.epoch(2).window(step) for step in range(len(windows.epoch(2)))]
    # as a run that goes on at step 9 sees it
    resumed = Windows(documents, 4, 20, seed=3).epoch(2)
    for step in range(9, len(resumed)):
        for one, other in zip(whole[step], resumed.window(step), strict=True):
            assert (one == other).all()
    others = (windows.epoch(1), Windows(documents, 4, 20, seed=4).epoch(2))
    assert all(other.order.tolist() != resumed.order.tolist() for other in others)
    assert all(other.edges.tolist() != resumed.edges.tolist() for other in others)


def test_some_lanes_are_rows_of_all_lanes() -> None:
    epoch = Windows(begun([50, 60]), 5, 10).epoch(0)
    for some, whole in zip(epoch.window(1, np.array([3, 1])), epoch.window(1), strict=True):
        assert (some == whole[[3, 1]]).all()


def test_one_token_documents_and_empty_ones() -> None:
    epoch = Windows(begun([1, 0, 1, 0, 0, 1, 1, 1]), 2, 5, shuffle=False).epoch(0)
    window = epoch.window(0)
    assert (window.ids == BOS_ID).all()
    assert (window.targets == BOS_ID).all()
    assert window.starts.all()


def test_a_document_of_100_000_tokens() -> None:
    epoch = Windows(begun([100_000]), 8).epoch(0)
    _, predicted = lanes_of(epoch)
    counts = Counter(token for targets in predicted.values() for token in targets)
    assert set(counts.values()) == {1}
    assert len(counts) == 99_999 - 99_999 % 8
    assert sum(int(epoch.window(step).starts.sum()) for step in range(len(epoch))) == 8


@pytest.mark.parametrize("dtype", ["<u2", "<u4"])
def test_tokens_of_the_disk_give_the_windows_of_tokens_in_memory(dtype: str, tmp_path) -> None:
    inside = begun([40, 3, 0, 77])
    path = tmp_path / "tokens"
    inside.tokens.astype(dtype).tofile(path)
    outside = Documents(np.memmap(path, dtype, "r"), inside.begins, inside.lengths)
    one, other = (Windows(documents, 3, 9).epoch(1) for documents in (inside, outside))
    for step in range(len(one)):
        for here, there in zip(one.window(step), other.window(step), strict=True):
            assert (here == there).all()
            assert here.dtype == there.dtype


def test_only_the_tokens_of_a_window_are_read() -> None:
    """Tokens that count how many of them were asked for stand for a file larger than memory."""
    asked: list[int] = []

    class Counting(np.ndarray):
        def __getitem__(self, key):  # type: ignore[no-untyped-def]
            asked.append(np.size(key))
            return np.asarray(self)[key]

    documents = begun([1_000] * 50)
    counting = Documents(documents.tokens.view(Counting), documents.begins, documents.lengths)
    epoch = Windows(counting, 4, 20).epoch(0)
    assert not asked
    epoch.window(3)
    assert sum(asked) <= 4 * (20 + LONGEST + SHORTEST + 1)


def test_chosen_documents_are_the_only_ones() -> None:
    documents = numbered([5] * 20)
    learned, held = documents.held_out(0.1, seed=1)
    assert (len(learned), len(held)) == (18, 2)
    _, predicted = lanes_of(Windows(held, 1, shuffle=False).epoch(0))
    tokens = [int(token) for row in range(2) for token in held.ids(row)]
    assert predicted[0] == tokens[1:]
    rest = {int(token) for row in range(18) for token in learned.ids(row)}
    assert rest.isdisjoint(tokens)
    assert len(rest) == 90


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_one_document_is_held_out_and_one_is_left_whatever_the_share(share: float) -> None:
    learned, held = numbered([3, 3]).held_out(share)
    assert len(learned) == len(held) == 1


def test_one_document_cannot_be_held_out() -> None:
    with pytest.raises(DataError, match=r"two documents or more.*found 1"):
        numbered([100]).held_out(0.1)


def test_too_few_tokens_for_the_lanes_are_refused() -> None:
    with pytest.raises(DataError, match="Expected 65 tokens or more for 64 lanes, found 12"):
        Windows(numbered([12]), 64)
    with pytest.raises(DataError, match="Expected 2 tokens"):
        Windows(numbered([1]), 64, shuffle=False)
    assert Windows(numbered([3]), 64, shuffle=False).epoch(0).n_lanes == 2


def test_all_faults_of_numbers_at_once() -> None:
    with pytest.raises(ParameterError, match=r"lanes must be 1.*base must be 1.*seed must be 0"):
        Windows(numbered([9]), 0, 0, -1)


@given(LENGTHS, st.integers(1, 2_000), st.integers(0, 3))
def test_drawn_documents_hold_what_was_asked_and_no_document_more(
    lengths: list[int], tokens: int, seed: int
) -> None:
    documents = numbered(lengths)
    drawn = documents.drawn(tokens, seed)
    assert list(drawn.begins) == sorted(drawn.begins)
    assert set(drawn.begins) <= set(documents.begins)
    if documents.n_tokens <= tokens:
        assert drawn.n_tokens == documents.n_tokens
    else:
        assert drawn.n_tokens >= tokens
        assert drawn.n_tokens - drawn.lengths.max() < tokens
    assert np.array_equal(drawn.begins, documents.drawn(tokens, seed).begins)
