"""Names studies as people cite them, and writes their references and the review's own as BibTeX and CITATION.cff."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import polars as pl

_URL = re.compile(r"https?://[^\s)>\"',;]+")
_ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5}(?:v\d+)?)")
LONGEST = 30
"""Characters of a project's name; longer ones are sentences."""
_CAPITALS = {
    "olv2": "Open LLM Leaderboard:", "rl": "RL", "sft": "SFT", "kd": "KD", "opd": "OPD", "llm": "LLM", "swe": "SWE",
    "gsm8k": "GSM8K", "gsm1k": "GSM1k", "r1": "R1", "s1": "s1", "ai": "AI", "cli": "CLI", "rft": "RFT", "dpo": "DPO",
    "deepseek": "DeepSeek", "openmath": "OpenMath", "qwen3": "Qwen3", "mopd": "MOPD", "am": "AM",
}  # fmt: skip


def link(reference: str) -> str:
    """Return the address that a reference holds or implies; empty where there is none."""
    if address := _URL.search(reference):
        return address.group().rstrip(".,;")
    if paper := _ARXIV.search(reference):
        return f"https://arxiv.org/abs/{paper.group(1)}"
    return ""


def name_of(study_id: str, title: str, year: int) -> str:
    """Return a study's name as it is cited: the project's name in its title, else its short name, and the year."""
    head = title.split(":", 1)[0].strip() if ":" in title else ""
    if head and len(head) <= LONGEST and not head.startswith("HF "):
        return f"{head} ({year})"
    words = re.sub(r"-20\d\d$", "", study_id).split("-")
    spelled = [_CAPITALS.get(word, word) for word in words]
    first = spelled[0] if spelled[0] != words[0] or words[0][0].isdigit() else spelled[0].capitalize()
    return f"{' '.join([first, *spelled[1:]])} ({year})"


def names(frame: pl.DataFrame) -> Mapping[str, str]:
    """Name every study; where two would share a name, both keep their short name behind it."""
    first = frame.unique("study_id", keep="first", maintain_order=True).select("study_id", "title", "year")
    by_study = {study: name_of(study, title, year) for study, title, year in first.iter_rows()}
    often = Counter(by_study.values())
    return {study: name if often[name] == 1 else f"{name}, {study}" for study, name in by_study.items()}


def links(frame: pl.DataFrame) -> Mapping[str, str]:
    """Return the address of every study: the first that one of its references holds; empty where none does."""
    addresses: dict[str, str] = {}
    for study, reference in frame.select("study_id", "reference").iter_rows():
        addresses[study] = addresses.get(study) or link(reference)
    return addresses


def bibtex(frame: pl.DataFrame) -> str:
    """Return one entry per study, from its title, year and reference."""
    entries = []
    for row in frame.unique("study_id", keep="first", maintain_order=True).iter_rows(named=True):
        reference = str(row["reference"])
        fields = {"title": f"{{{_plain(row['title'])}}}", "year": str(row["year"]), "note": _plain(reference)}
        if paper := _ARXIV.search(reference):
            fields |= {"eprint": paper.group(1), "archiveprefix": "arXiv"}
        if address := link(reference):
            fields["url"] = address
        body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
        entries.append(f"@misc{{{row['study_id']},\n{body}\n}}")
    return "\n\n".join(entries) + "\n"


def _plain(text: str) -> str:
    return re.sub(r"[{}\\]", "", text).replace("&", r"\&").replace("%", r"\%").replace("_", r"\_")


def citation(version: str, released: str) -> str:
    """Return the review's CITATION.cff."""
    return (
        "cff-version: 1.2.0\n"
        'message: "If you use this table or its claims, please cite it with its version."\n'
        "type: dataset\n"
        'title: "Gauger: published evidence on distillation, a living review"\n'
        "authors:\n  - name: The Gauger contributors\n"
        f'version: "{version}"\n'
        f"date-released: {released}\n"
        "license: Apache-2.0\n"
    )
