"""Says where a teacher is and how it is spoken to; secrets stand in it by the names of environment variables alone."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from pydantic import SecretStr

from gauger.elicit.api.dialect import Dialect
from gauger.errors import UserError

_FORM = "a teacher as URL#MODEL, as in http://localhost:8000/v1#my-model"


_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SECRET = re.compile(r"auth|key|token|secret|cookie|password|credential", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")


@dataclass(frozen=True)
class Address:
    """Where a teacher is and how it is spoken to; holds no secret."""

    url: str
    """Up to and without `/chat/completions`, as in `https://host/v1`."""
    model: str
    dialect: Dialect = field(default_factory=Dialect)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent besides; `$NAME` in a value is what the environment holds under that name when it is sent."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Added to every address, as Azure's `api-version`."""
    keyless: bool = False
    """Whether it gets no key: a server that this process started itself."""

    def __post_init__(self) -> None:
        for name, value in self.headers.items():
            if not _HEADER.fullmatch(name) or not (value.isascii() and value.isprintable()):
                raise UserError("a header of printable ASCII characters", repr(name))
            if _SECRET.search(name) and not _VARIABLE.search(value):
                raise UserError(
                    f"the name of an environment variable for the header {name}, as $NAME",
                    "a value",
                    hint="Secrets come from the environment alone: what stands here is kept with the results.",
                )

    def sent_headers(self) -> tuple[dict[str, str], tuple[SecretStr, ...]]:
        """Return the headers as they are sent now, and the secrets in them.

        Raises
        ------
        UserError
            Where a variable is not set.
        """
        names = [match[1] for value in self.headers.values() for match in _VARIABLE.finditer(value)]
        missing = [name for name in names if not os.environ.get(name, "").strip()]
        if missing:
            raise UserError(f"the environment variable {missing[0]}, which a header names", "none")
        known = {name: os.environ[name].strip() for name in names}
        sent = {name: _VARIABLE.sub(lambda match: known[match[1]], value) for name, value in self.headers.items()}
        return sent, tuple(SecretStr(value) for value in known.values())

    @property
    def sent_query(self) -> str:
        """What follows the path of every request."""
        return f"?{urlencode(self.query)}" if self.query else ""

    def __str__(self) -> str:
        return f"{self.url}#{self.model}"


def parse_teacher(text: str) -> Address:
    """Read `URL#MODEL`.

    Raises
    ------
    UserError
        Where it is not of that form, or holds a user name, a password or a query: such would stand in the ledger.
    """
    url, _, model = text.strip().partition("#")
    try:
        parts = urlsplit(url)
        secret = bool(parts.username or parts.password or parts.query)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        secret, usable = "@" in url, False
    if secret:
        raise UserError(
            _FORM,
            "an address with a user name, a password or a query in it",
            hint="The address is stored with the results; give the key in GAUGER_API_KEY instead.",
        )
    if not usable or not model:
        raise UserError(_FORM, repr(text))
    return Address(url.rstrip("/").removesuffix("/chat/completions"), model)
