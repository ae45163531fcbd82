r"""Reads the endpoint's key: from the environment, at the time of use, and nowhere else; and takes it out of texts.

It is carried as pydantic's `SecretStr`, whose representation hides it, so that a traceback that prints local variables
shows none of it; whatever an endpoint sends back is searched for it before anything else sees it. It is found as it is,
in the spellings of JSON, of addresses and of HTML (`\/`, `\u002f`, `%2F`, `&#47;`, in one another too), in base64
wherever it begins, and in hexadecimal.
"""

from __future__ import annotations

import base64
import html
import os
import re
from functools import lru_cache
from urllib.parse import unquote

from pydantic import SecretStr

from gauger.errors import UserError

VARIABLES = ("GAUGER_API_KEY", "OPENAI_API_KEY")
"""Where a key is looked for, in this order."""
_SHORTEST_SECRET = 8
"""Local servers take any key, and people write `none` or `EMPTY`: such a word is no secret, and may stand in a text."""
_HIDDEN = "[key removed]"
_ESCAPED = re.compile(r"\\+u00([0-7][0-9a-fA-F])")
_DEEPEST = 4
"""Spellings within one another that are undone."""


def api_key() -> SecretStr | None:
    """Read the key from the environment; None where none is set.

    Raises
    ------
    UserError
        Where it holds characters that cannot be sent; its value is not in the message.
    """
    for variable in VARIABLES:
        key = SecretStr(os.environ.get(variable, "").strip())
        if key:
            if not (key.get_secret_value().isascii() and key.get_secret_value().isprintable()):
                raise UserError(
                    f"a key of printable ASCII characters in {variable}", "other characters", hint="Copy it again."
                )
            return key
    return None


_MARKS = frozenset("\\%&")


def hide(text: str, key: SecretStr | None) -> str:
    """Return the text without the key, however it is spelled there.

    Where it stands in a spelling that can be recognised and not be cut out, nothing of the text is left.
    """
    if key is None or len(key) < _SHORTEST_SECRET:
        return text
    forms, pattern = _spellings(key.get_secret_value())
    # undoing spellings would undo a key's own % and & too, so that such a key is looked for by its pattern as well
    odd = not _MARKS.isdisjoint(key.get_secret_value())
    if not (_holds(text, forms) or (odd and pattern.search(text))):
        return text
    cut = pattern.sub(_HIDDEN, text)
    return _HIDDEN if _holds(cut, forms) else cut


def _holds(text: str, forms: tuple[str, ...]) -> bool:
    """Say whether one of the forms stands in a text, as it is or once other spellings are undone."""
    if any(form in text for form in forms):
        return True
    for _ in range(_DEEPEST):
        plainer = _undone(text)
        if plainer == text:
            return False
        if any(form in plainer for form in forms):
            return True
        text = plainer
    return False


def _undone(text: str) -> str:
    """Undo one layer of JSON's, addresses' and HTML's spellings, as far as letters of a key can stand in them."""
    if "\\" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text).replace("\\", "")
    if "%" in text:
        text = unquote(text)
    return html.unescape(text) if "&" in text else text


@lru_cache(maxsize=4)
def _spellings(secret: str) -> tuple[tuple[str, ...], re.Pattern[str]]:
    """Return the forms in which a key is looked for, and what finds them in the spellings of others."""
    content = secret.encode("ascii")
    plain = secret.replace("\\", "")
    forms = dict.fromkeys((secret, plain, content.hex(), content.hex().upper(), *_in_base64(content)))
    spelled = ("".join(_in_any_spelling(letter) for letter in form) for form in forms)
    return tuple(forms), re.compile("|".join(spelled))


def _in_base64(content: bytes) -> list[str]:
    """Return what base64 makes of a key wherever it begins among other bytes, without the ends that these decide."""
    spellings = []
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + content).decode("ascii").rstrip("=")
        first = -(-before * 8 // 6)
        last = (before + len(content)) * 8 // 6
        core = whole[first:last]
        spellings += [core, core.replace("+", "-").replace("/", "_")]
    return spellings


def _in_any_spelling(letter: str) -> str:
    """Return a pattern of one letter as it is, behind backslashes, as its number, as %xx and as an HTML entity."""
    code, names = ord(letter), {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
    hexadecimal = "".join(f"[{digit.lower()}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{code:02x}")
    named = f"|&(?:amp;)*{names[letter]};" if letter in names else ""
    slash = "|&(?:amp;)*(?:sol|plus|equals|lowbar|hyphen|dash|period|colon);" if letter in "/+=_-.:" else ""
    return (
        # a number before the letter itself: of \\u0075 the u would be taken for the letter behind a backslash
        rf"(?:\\+u00{hexadecimal}|\\*{re.escape(letter)}|%(?:25)*{hexadecimal}"
        rf"|&(?:amp;)*#0*{code};|&(?:amp;)*#[xX]0*{hexadecimal};{named}{slash})"
    )
