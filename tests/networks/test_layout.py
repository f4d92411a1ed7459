"""What a model folder says about itself, in the old words and the new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from textgraft.errors import WeightsError
from textgraft.networks.layout import POOLINGS, Dense, Layout, Normalize, Pool, read_layout
from textgraft.pretrained import locate

OLD = "sentence_transformers.models."
NEW = "sentence_transformers.sentence_transformer.modules."


def _folder(place: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (place / name).write_text(text, encoding="utf-8")
    return place


def _modules(*kinds: str, style: str = OLD) -> list[dict[str, Any]]:
    paths = ["" if number == 0 else f"{number}_{kind}" for number, kind in enumerate(kinds)]
    names = [f"{NEW}{kind.lower()}.{kind}" if style == NEW else f"{style}{kind}" for kind in kinds]
    return [{"idx": n, "path": p, "type": t} for n, (p, t) in enumerate(zip(paths, names, strict=True))]


def test_the_packaged_model_is_read_as_it_was_published() -> None:
    folder = locate("minilm").folder
    assert read_layout(folder) == Layout(folder, 256, False, "", (Pool(("mean",)), Normalize()))


def test_a_plain_folder_is_pooled_by_the_mean(tmp_path: Path) -> None:
    _folder(tmp_path, {"config.json": {}})
    assert read_layout(tmp_path) == Layout(tmp_path, None, False, "", (Pool(("mean",)),))


@pytest.mark.parametrize("style", [OLD, NEW])
def test_old_and_new_names_of_modules_are_known(tmp_path: Path, style: str) -> None:
    _folder(
        tmp_path,
        {
            "modules.json": _modules("Transformer", "Pooling", "Dropout", "Dense", "Normalize", style=style),
            "sentence_bert_config.json": {"max_seq_length": 77, "do_lower_case": True},
            "1_Pooling/config.json": {"pooling_mode": "cls"},
            "3_Dense/config.json": {"activation_function": "torch.nn.modules.linear.Identity"},
            "config_sentence_transformers.json": {
                "prompts": {"query": "ask: ", "other": "no"},
                "default_prompt_name": "query",
            },
        },
    )
    assert read_layout(tmp_path) == Layout(
        tmp_path,
        77,
        True,
        "ask: ",
        (Pool(("cls",)), Dense(tmp_path / "3_Dense", "Identity"), Normalize()),
    )


@pytest.mark.parametrize(
    ("settings", "modes"),
    [
        ({"pooling_mode": "max"}, ("max",)),
        # several modes are joined in the order given
        ({"pooling_mode": ["mean", "cls"]}, ("mean", "cls")),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False}, ("mean",)),
        # the old switches have no order of their own
        ({"pooling_mode_max_tokens": True, "pooling_mode_cls_token": True}, ("cls", "max")),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, ("mean_sqrt_len_tokens",)),
        ({"pooling_mode_weightedmean_tokens": True}, ("weightedmean",)),
        ({"pooling_mode_lasttoken": True}, ("lasttoken",)),
        ({"pooling_mode": list(POOLINGS)}, POOLINGS),
    ],
)
def test_pooling_modes_in_old_and_new_words(
    tmp_path: Path, settings: dict[str, Any], modes: tuple[str]
) -> None:
    _folder(tmp_path, {"modules.json": _modules("Transformer", "Pooling"), "1_Pooling/config.json": settings})
    assert read_layout(tmp_path).steps == (Pool(modes),)


def test_prompts_that_are_no_default_are_not_used(tmp_path: Path) -> None:
    _folder(
        tmp_path,
        {
            "modules.json": _modules("Transformer", "Pooling"),
            "1_Pooling/config.json": {"pooling_mode": "mean"},
            "config_sentence_transformers.json": {"prompts": {"query": "ask: "}, "default_prompt_name": None},
        },
    )
    assert read_layout(tmp_path).prompt == ""


POOLED = {"1_Pooling/config.json": {"pooling_mode": "mean"}}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"modules.json": []}, "nothing"),
        ({"modules.json": _modules("StaticEmbedding")}, "StaticEmbedding"),
        ({"modules.json": _modules("Transformer")}, "no Pooling"),
        ({"modules.json": _modules("Transformer", "Normalize")}, "no Pooling"),
        ({"modules.json": _modules("Transformer", "Pooling", "LSTM")} | POOLED, "LSTM"),
        ({"modules.json": _modules("Transformer", "Pooling")}, "missing"),
        ({"modules.json": "{not json"}, "no valid JSON"),
        ({"modules.json": _modules("Transformer", "Pooling"), "1_Pooling/config.json": {}}, "none"),
        (
            {
                "modules.json": _modules("Transformer", "Pooling"),
                "1_Pooling/config.json": {"pooling_mode": "sum"},
            },
            "sum",
        ),
        (
            {
                "modules.json": _modules("Transformer", "Pooling", "Dense"),
                "2_Dense/config.json": {"activation_function": "torch.nn.modules.activation.PReLU"},
            }
            | POOLED,
            "PReLU",
        ),
        (
            {
                "modules.json": _modules("Transformer", "Pooling", "Dense"),
                "2_Dense/config.json": {
                    "activation_function": "torch.nn.modules.activation.Tanh",
                    "module_input_name": "token_embeddings",
                },
            }
            | POOLED,
            "over tokens",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_and_named(tmp_path: Path, files: dict[str, Any], said: str) -> None:
    with pytest.raises(WeightsError, match=said) as caught:
        read_layout(_folder(tmp_path, files))
    assert "\n" not in str(caught.value)


def test_a_dense_layer_with_a_residual_is_run_as_such_or_refused(tmp_path: Path) -> None:
    # sentence-transformers 6 adds the input to the output when use_residual is set
    _folder(
        tmp_path,
        {
            "modules.json": _modules("Transformer", "Pooling", "Dense"),
            "2_Dense/config.json": {
                "activation_function": "torch.nn.modules.linear.Identity",
                "use_residual": True,
            },
        }
        | POOLED,
    )
    with pytest.raises(WeightsError, match="residual"):
        read_layout(tmp_path)


def test_a_pooling_that_leaves_the_prompt_out_is_run_as_such_or_refused(tmp_path: Path) -> None:
    # include_prompt false pools over the tokens after the prompt only (INSTRUCTOR)
    _folder(
        tmp_path,
        {
            "modules.json": _modules("Transformer", "Pooling"),
            "1_Pooling/config.json": {"pooling_mode": "mean", "include_prompt": False},
            "config_sentence_transformers.json": {"prompts": {"q": "ask: "}, "default_prompt_name": "q"},
        },
    )
    with pytest.raises(WeightsError, match="prompt"):
        read_layout(tmp_path)


@pytest.mark.parametrize("content", ["{}", "[1]", '[{"idx": 0}]', '"text"', "null"])
def test_a_modules_file_of_another_shape_is_one_clear_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(WeightsError, match=r"modules\.json"):
        read_layout(_folder(tmp_path, {"modules.json": content}))
