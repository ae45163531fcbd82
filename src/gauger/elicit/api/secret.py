"""Reads the endpoint's key: from the environment, at the time of use, and nowhere else.

It is carried as pydantic's `SecretStr`, whose representation hides it, so that a traceback that prints local variables
shows none of it; whatever an endpoint sends back is searched for it before anything else sees it.
"""

from __future__ import annotations

import os

from pydantic import SecretStr

from gauger.errors import UserError

VARIABLES = ("GAUGER_API_KEY", "OPENAI_API_KEY")
"""Where a key is looked for, in this order."""
_SHORTEST_SECRET = 8
"""Local servers take any key, and people write `none` or `EMPTY`: such a word is no secret, and may stand in a text."""
_HIDDEN = "[key removed]"


def api_key() -> SecretStr | None:
    """Read the key from the environment; None where none is set.

    Raises
    ------
    UserError
        Where it holds characters that cannot be sent; its value is not in the message.
    """
    for variable in VARIABLES:
        found = SecretStr(os.environ.get(variable, "").strip())
        if found:
            if not (found.get_secret_value().isascii() and found.get_secret_value().isprintable()):
                raise UserError(
                    f"a key of printable ASCII characters in {variable}", "other characters", hint="Copy it again."
                )
            return found
    return None


def hide(text: str, key: SecretStr | None) -> str:
    """Return the text without the key."""
    if key is None or len(key) < _SHORTEST_SECRET:
        return text
    return text.replace(key.get_secret_value(), _HIDDEN)
