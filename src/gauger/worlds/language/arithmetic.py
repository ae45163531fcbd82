"""Words, solves step by step and recognises arithmetic: sums, products, common divisors.

For these tasks of reasoning-gym content keys are the operands, whatever the order in which they can be swapped, and a
text is read for them wherever they stand in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd, lcm, prod

Numbers = tuple[int, ...]


@dataclass(frozen=True)
class Arithmetic:
    """One kind of problem; its operands are whole numbers, a sum's with their signs."""

    pattern: re.Pattern[str]
    """Finds a problem in a text; `read` takes what it matched."""
    read: Callable[[str], Numbers]
    write: Callable[[Numbers], str]
    """Operands as they are written within a question."""
    question: str
    """The question around them."""
    statement: str
    """The beginning of a sentence around them, which the answer ends."""
    solve: Callable[[Numbers], int]
    work: Callable[[Numbers], str]
    """Steps to the answer, in one line."""

    def text(self, numbers: Numbers) -> str:
        """Ask in few words."""
        return self.question.format(self.write(numbers))

    def opening(self, numbers: Numbers) -> str:
        """Begin the sentence that the answer ends."""
        return self.statement.format(self.write(numbers))

    def find(self, text: str) -> list[Numbers]:
        """Return the operands of every problem that stands in a text."""
        return [self.read(match[0]) for match in self.pattern.finditer(_in_signs(text))]


def content(numbers: Numbers) -> str:
    """Write operands so that swapped ones read the same: "-7+12" for 12 - 7 and for -7 + 12."""
    return "".join(f"{number:+d}" for number in sorted(numbers))


def digits(numbers: Numbers) -> int:
    """Count the digits of all operands: the difficulty of a problem without levels."""
    return sum(len(str(abs(number))) for number in numbers)


_SIGNS = ((r"\bplus\b", "+"), (r"\bminus\b", "-"), (r"\b(?:times|multiplied by)\b", "*"), ("[×·]", "*"), ("−", "-"))


def _in_signs(text: str) -> str:
    """Write "12 plus 7" as "12 + 7"."""
    for word, sign in _SIGNS:
        text = re.sub(word, sign, text, flags=re.IGNORECASE)
    return text


def _integers(text: str) -> Numbers:
    return tuple(int(number) for number in re.findall(r"-?\d+", text))


def _terms(text: str) -> Numbers:
    """Read "12 - 7 + -3" as (12, -7, -3)."""
    parts = re.findall(r"([+-]?)\s*(-?\d+)", text)
    return tuple(-int(number) if sign == "-" else int(number) for sign, number in parts)


def _sum_text(numbers: Numbers) -> str:
    rest = "".join(f" {'-' if number < 0 else '+'} {abs(number)}" for number in numbers[1:])
    return f"{numbers[0]}{rest}"


def _sum_steps(numbers: Numbers) -> str:
    """Add term by term, and each term of several digits place by place: 47 + 20 = 67, 67 + 5 = 72."""
    steps, total = [], numbers[0]
    for part in (part for number in numbers[1:] for part in _places(number)):
        steps.append(f"{_sum_text((total, part))} = {total + part}")
        total += part
    return _sentence(steps)


def _places(number: int) -> list[int]:
    """Divide a number by decimal places, the greatest first: -205 is -200 and -5; 0 is itself."""
    sign, written = (-1 if number < 0 else 1), str(abs(number))
    parts = [sign * int(digit) * 10 ** (len(written) - 1 - i) for i, digit in enumerate(written)]
    return [part for part in parts if part] or [0]


def _product_steps(numbers: Numbers) -> str:
    """Multiply factor by factor, and the left one place by place: 10 * 6 = 60, 4 * 6 = 24, 60 + 24 = 84."""
    steps, total = [], numbers[0]
    for factor in numbers[1:]:
        parts = _places(total)
        steps += [f"{part} * {factor} = {part * factor}" for part in parts]
        total *= factor
        if len(parts) > 1:
            steps.append(f"{_sum_text(tuple(part * factor for part in parts))} = {total}")
    return _sentence(steps)


def _divisor_steps(numbers: Numbers) -> str:
    """Euclid's divisions: 18 = 1 * 12 + 6, 12 = 2 * 6 + 0."""
    steps, common = [], numbers[0]
    for number in numbers[1:]:
        big, small = max(common, number), min(common, number)
        while small:
            steps.append(f"{big} = {big // small} * {small} + {big % small}")
            big, small = small, big % small
        common = big
    return _sentence(steps)


def _multiple_steps(numbers: Numbers) -> str:
    """Least common multiple, number by number: lcm = product / common divisor."""
    steps, multiple = [], numbers[0]
    for number in numbers[1:]:
        common = gcd(multiple, number)
        steps.append(f"{multiple} * {number} / {common} = {lcm(multiple, number)}")
        multiple = lcm(multiple, number)
    return _sentence(steps)


def _sentence(steps: Sequence[str]) -> str:
    return ", ".join(steps) + "."


def _listed(numbers: Numbers) -> str:
    return f"{', '.join(str(number) for number in numbers[:-1])} and {numbers[-1]}"


def _of_numbers(name: str) -> re.Pattern[str]:
    """Match "greatest common divisor (GCD) of these numbers: 12, 18", by name or initials."""
    initials = "".join(word[0] for word in name.split())
    return re.compile(rf"\b(?:{name}|{initials})\b\D{{0,40}}?\d+(?:(?:,| and|, and) \d+)+", re.IGNORECASE)


ARITHMETIC: dict[str, Arithmetic] = {
    "chain_sum": Arithmetic(
        re.compile(r"(?<![\d.])(?:-\s*)?\d+(?:\s*[+-]\s*-?\d+)+"),
        _terms,
        _sum_text,
        "What is {}?",
        "{} =",
        sum,
        _sum_steps,
    ),
    "products": Arithmetic(
        re.compile(r"(?<![\d.])-?\d+(?:\s*\*\s*-?\d+)+"),
        _integers,
        lambda numbers: " * ".join(map(str, numbers)),
        "What is {}?",
        "{} =",
        prod,
        _product_steps,
    ),
    "gcd": Arithmetic(
        _of_numbers("greatest common divisor"),
        _integers,
        _listed,
        "What is the greatest common divisor of {}?",
        "The greatest common divisor of {} is",
        lambda numbers: gcd(*numbers),
        _divisor_steps,
    ),
    "lcm": Arithmetic(
        _of_numbers("least common multiple"),
        _integers,
        _listed,
        "What is the least common multiple of {}?",
        "The least common multiple of {} is",
        lambda numbers: lcm(*numbers),
        _multiple_steps,
    ),
}
"""Name of a reasoning-gym task -> how it is worded and worked."""
