"""Draws by what a text says: the same text always gives the same number, whenever and beside whatever it comes."""

from __future__ import annotations

from hashlib import sha256


def share_of_text(text: str, purpose: str = "") -> float:
    """Return a number in [0, 1) that depends on a text, and on what it is drawn for, alone.

    The first 53 bits of SHA-256 of both, times 2^-53: over different texts it is uniform, so that a share s of them
    lies below s.
    """
    digest = sha256(f"{purpose}\0{text}".encode("utf-8", "surrogatepass")).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) * 2.0**-53
