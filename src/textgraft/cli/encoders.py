"""``textgraft encoders``: the encoders that need no network, and how to name others."""

from __future__ import annotations

from textgraft.cli.options import Json


def encoders(json: Json = False) -> None:
    """List the encoders at hand.

    Any local folder in Hugging Face or sentence-transformers format works too, and, for people who
    are online, any hub id. With +lower behind a name, such as minilm+lower, the lower layers are read too,
    which know words better: often better for linear, at twice the length of a vector.

    Examples:

      textgraft encoders

      textgraft fit tickets.csv -e minilm+lower --to tickets.model

      textgraft fit tickets.csv -e ./my-encoder --to tickets.model

      textgraft fit tickets.csv -e intfloat/e5-small-v2 --to tickets.model
    """
    from textgraft.cli.output import print_json, print_text
    from textgraft.encoders import described_encoders

    known = described_encoders()
    if json:
        print_json(known)
        return
    width = max(map(len, known))
    lines = [f"{name:<{width}}  {about}" for name, about in known.items()]
    lines += [
        "",
        "Or a folder in Hugging Face or sentence-transformers format, or a hub id org/name.",
        "With +lower behind minilm, a folder or a hub id, the lower layers are read too.",
    ]
    print_text("\n".join(lines))
