"""What the pages say, in the language that pictures are taken in: by the catalogues of mqadmin."""

from __future__ import annotations

import re

from deploy import messages

_VALUE = re.compile(r"%\(\w+\)s")
_texts: dict[str, str] = {}


def speak(catalogue: str) -> None:
    """Have `said` return texts of a language by the name of its folder, zh_Hans; "" for English."""
    _texts.clear()
    for _name, _path, found in messages.catalogues(catalogue) if catalogue else ():
        for message in messages.messages(found):
            if not message.context:
                for text in (message.id,) if isinstance(message.id, str) else message.id:
                    _texts[text] = messages.strings(message)[-1]


def said(text: str, **values: object) -> str:
    """Return a text of a page with its values. Raises KeyError where the language has none."""
    found = _texts[text] if _texts else text
    return found % values if values else found


def piece(text: str) -> str:
    """Return the longest part of a text between its values, which nobody knows before."""
    return max(_VALUE.split(said(text)), key=len).strip()
