"""How a host makes the page look like its own: CSS custom properties."""

from __future__ import annotations

import re
from collections.abc import Mapping

PROPERTIES = (
    "accent",
    "accent-text",
    "background",
    "surface",
    "text",
    "muted",
    "border",
    "good",
    "bad",
    "warning",
    "font",
    "font-mono",
    "radius",
    "width",
    "scheme",
)
"""What may be set; ``light-dark(a, b)`` gives both schemes a value."""

_HARMLESS = re.compile(r"[^;{}<>@\\\x00-\x1f]{1,200}")


class Theme:
    """The look of the page, as a style sheet behind its own.

    Args:
        properties: Custom properties by name, without their dashes: ``{"accent": "#0a7a5c"}``.

    Raises:
        ValueError: There is no such property, or the value is no value of one.
    """

    def __init__(self, properties: Mapping[str, str]) -> None:
        for name, value in properties.items():
            if name not in PROPERTIES:
                msg = f'theme has no property "{name}"; it has {", ".join(PROPERTIES)}.'
                raise ValueError(msg)
            if not isinstance(value, str) or not _HARMLESS.fullmatch(value) or "url(" in value:
                msg = f'theme: "{name}" has to be one CSS value, such as "#0a7a5c".'
                raise ValueError(msg)
        lines = "".join(f"  --{name}: {value};\n" for name, value in properties.items())
        self.css = f":root {{\n{lines}}}\n" if lines else ""
