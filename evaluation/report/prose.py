"""What the author of an experiment wrote, Markdown, as HTML that runs nothing and loads nothing."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

__all__ = ["CODE_SPAN", "code_spans", "prose"]

CODE_SPAN = re.compile(r"`([^`]+)`")
_UNDER = 2  # headings of the page's sections


def prose(text: str) -> Markup:
    """A text of several paragraphs; HTML in it is shown, not meant, and pictures are left out.

    Its headings go under the page's own.

    >>> print(prose("Tried *hue*.").strip())
    <p>Tried <em>hue</em>.</p>
    """
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = reader.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + _UNDER)}"
    return Markup(reader.renderer.render(tokens, reader.options, {}))


def code_spans(text: str) -> Markup:
    """One line in which `so` is code and all else is as it is.

    >>> print(code_spans("Chosen on `train` & <b>"))
    Chosen on <code>train</code> &amp; &lt;b&gt;
    """
    parts = CODE_SPAN.split(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )
