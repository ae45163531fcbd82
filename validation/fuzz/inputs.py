"""Makes broken inputs: every surface's arguments, with sound files (and `--set` words) changed at random.

Bytes, lines, cells, numbers, names, structure, quantities and marks are edited, one to four edits an input; the same
surface, seed and number make the same input.
"""

from __future__ import annotations

import io
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from sound import (
    DESIGN,
    EVALS,
    HELM,
    INSPECT,
    LM_EVAL,
    ODD,
    POINTS,
    RECORDS,
    ROOT,
    SAMPLE,
    SEEDS,
    SETTINGS,
    TABLE,
    TEXT,
    TOP,
)


def broken(text: str, generator: random.Random) -> bytes:
    """Change a sound file at random: one to four edits of bytes, lines, cells, numbers or structure."""
    content = text.encode()
    for _ in range(generator.randint(1, 4)):
        content = EDITS[generator.randrange(len(EDITS))](content, generator.randrange(len(content) + 1), generator)
    return content


def _digit(content: bytes, place: int, generator: random.Random) -> bytes:
    """Put something else in the place of the first digit from a place on."""
    at = next((k for k in range(place, len(content)) if 48 <= content[k] < 58), None)
    return content if at is None else content[:at] + _odd(generator) + content[at + 1 :]


def _odd(generator: random.Random) -> bytes:
    return generator.choice(ODD).encode("utf-8", "surrogatepass")


def _shuffled(content: bytes, _: int, generator: random.Random) -> bytes:
    lines = content.split(b"\n")
    generator.shuffle(lines)
    return b"\n".join(lines)


def _nested(content: bytes, place: int, generator: random.Random) -> bytes:
    piece = generator.choice([b"[", b"{", b'{"a":', b"- "]) * generator.choice([1, 50, 20_000])
    return content[:place] + piece + content[place:]


MARKS = [b"\xef\xbb\xbf", b"\xff\xfe", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PAR1"]
EDITS: tuple[Callable[[bytes, int, random.Random], bytes], ...] = (
    lambda content, place, g: content[:place] + bytes([g.randrange(256)]) + content[place + 1 :],
    lambda content, place, g: content[:place] + content[place + g.randint(1, 40) :],
    lambda content, place, g: content[:place] + _odd(g) + content[place:],
    lambda content, place, g: content[:place],  # noqa: ARG005
    lambda content, place, g: content[:place] + content[place // 2 : place // 2 + g.randint(1, 200)] + content[place:],
    _digit,
    _shuffled,
    _nested,
    lambda content, place, g: g.choice(MARKS) + content,  # noqa: ARG005
)


def written(folder: Path, name: str, text: str, generator: random.Random) -> str:
    """Write a broken file and return its path."""
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(broken(text, generator))
    return str(path)


TINY = ROOT / "tests" / "study" / "tiny.yaml"


def _study(folder: Path, generator: random.Random) -> list[str]:
    return ["plan", written(folder, "study.yaml", TINY.read_text(), generator)]


def _set(_: Path, generator: random.Random) -> list[str]:
    key, value = generator.choice(SETTINGS), generator.choice(ODD)
    return ["plan", str(TINY), "--set", f"{key}={value}" if generator.random() < 0.9 else value]


def _records(folder: Path, generator: random.Random) -> list[str]:
    path = written(folder, "records.csv", RECORDS, generator)
    return ["compare", path, "--distilled", "a", "--control", "c", "--json"]


def _pair(folder: Path, generator: random.Random, name: str, text: str) -> list[str]:
    distilled = written(folder, f"d/{name}", text, generator)
    (folder / "c").mkdir(exist_ok=True)
    (folder / "c" / name).write_text(text)
    return ["compare", f"distilled={distilled}", f"control={folder / 'c' / name}", "--json"]


def _lm_eval(folder: Path, generator: random.Random) -> list[str]:
    return _pair(folder, generator, "samples_t_2026-01-01T00-00-00.000000.jsonl", LM_EVAL)


def _inspect(folder: Path, generator: random.Random) -> list[str]:
    return _pair(folder, generator, "log.json", json.dumps(INSPECT))


def _archive(folder: Path, generator: random.Random) -> list[str]:
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("header.json", json.dumps({k: v for k, v in INSPECT.items() if k != "samples"}))
        for n in range(5):
            text = json.dumps({"id": n, **SAMPLE})
            file.writestr(f"samples/{n}_epoch_1.json", broken(text, generator) if generator.random() < 0.2 else text)
    content = bytearray(out.getvalue())
    if generator.random() < 0.5:
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    (folder / "d.eval").write_bytes(content)
    (folder / "c.json").write_text(json.dumps(INSPECT))
    return ["compare", f"distilled={folder / 'd.eval'}", f"control={folder / 'c.json'}", "--json"]


def _table(folder: Path, generator: random.Random) -> list[str]:
    more = generator.choice([[], ["--within", "study"], ["--moderator", "kind"], ["--small-study"]])
    path = written(folder, "table.csv", TABLE, generator)
    return ["meta", path, "--effect", "effect", "--variance", "variance", *more, "--json"]


def _points(folder: Path, generator: random.Random) -> list[str]:
    return ["fit", written(folder, "points.csv", POINTS, generator), "--law", "chinchilla", "--json"]


def _replay(folder: Path) -> None:
    """Leave the journal of a teacher that was never asked: every request is one that it has no reply for."""
    (folder / "replay").mkdir()
    (folder / "replay" / "replies.jsonl").write_text('{"schema": "gauger.journal/2", "teacher": "x#m"}\n')


def _seeds(folder: Path, generator: random.Random) -> list[str]:
    _replay(folder)
    seeds = written(folder, "seeds.jsonl", SEEDS, generator)
    teacher = ["--teacher", f"replay:{folder / 'replay'}", "--strategy", generator.choice(["label", "rationale"])]
    return ["elicit", *teacher, "--seeds", seeds, "--out", str(folder / "out")]


def _design(folder: Path, generator: random.Random) -> list[str]:
    return ["calibrate", "--design", written(folder, "design.yaml", DESIGN, generator), "--draws", "2", "--json"]


def _run_directory(folder: Path, generator: random.Random) -> list[str]:
    for name in ("starts.jsonl", "manifest.json", "estimates.json", "jobs/jobs.json"):
        if generator.random() < 0.7:
            written(folder, name, '{"schema": "gauger.manifest/1", "files": {}, "number": 1}\n', generator)
    return [generator.choice(["verify", "status", "report", "clean"]), str(folder)]


def _words(_: Path, generator: random.Random) -> list[str]:
    names = ["run", "plan", "status", "report", "verify", "clean", "compare", "meta", "elicit", "fit"]
    options = ["--json", "--out", "--set", "--role", "--by", "--law", "--teacher", "--registered", "--help"]
    tail = [generator.choice([*options, *ODD, "/nowhere"]) for _ in range(generator.randint(0, 5))]
    return [generator.choice(names), *tail]


def _scenario(folder: Path, generator: random.Random) -> list[str]:
    text = (ROOT / "scenarios" / "small-lab.yaml").read_text()
    return ["forecast", written(folder, "scenario.yaml", text, generator), "--json"]


def _template(folder: Path, generator: random.Random) -> list[str]:
    text = (ROOT / "src" / "gauger" / "elicit" / "strategies" / "templates" / "label.yaml").read_text()
    written(folder, "templates/label.yaml", text, generator)
    _replay(folder)
    (folder / "seeds.jsonl").write_text(SEEDS)
    teacher = [
        "--teacher",
        f"replay:{folder / 'replay'}",
        "--strategy",
        "label",
        "--seeds",
        str(folder / "seeds.jsonl"),
    ]
    return ["elicit", *teacher, "--templates", str(folder / "templates"), "--out", str(folder / "out")]


def _corpus(folder: Path, generator: random.Random) -> list[str]:
    texts = "".join(json.dumps({"text": f"{TEXT} What is {n}? {n}."}) + "\n" for n in range(4))
    sound, damaged = ("corpus.jsonl", texts), ("items.jsonl", SEEDS)
    if generator.random() < 0.7:
        sound, damaged = damaged, sound
    (folder / sound[0]).write_text(sound[1])
    written(folder, damaged[0], damaged[1], generator)
    paths = ["--corpus", str(folder / "corpus.jsonl"), "--against", str(folder / "items.jsonl")]
    return ["audit", *paths, "--planted", "2", "--json"]


def _helm(folder: Path, generator: random.Random) -> list[str]:
    return _pair(folder, generator, "per_instance_stats.json", json.dumps(HELM))


def _evals(folder: Path, generator: random.Random) -> list[str]:
    return _pair(folder, generator, "log.jsonl", EVALS)


def _evidence(folder: Path, generator: random.Random) -> list[str]:
    data = ROOT / "src" / "gauger" / "evidence" / "data"
    files = {name: (data / f"{name}.csv").read_text().splitlines(keepends=True) for name in ("results", "studies")}
    study = files["results"][1].partition(",")[0]
    for name, (header, *lines) in files.items():
        own = [line.replace(study, "new-2026", 1) for line in lines if line.startswith(f"{study},")]
        files[name] = [header, *own[:4]]
    damaged = generator.choice(list(files))
    for name, lines in files.items():
        text = "".join(lines)
        written(folder, f"{name}.csv", text, generator) if name == damaged else (folder / f"{name}.csv").write_text(
            text
        )
    return ["evidence", "add", str(folder / "results.csv"), "--study", str(folder / "studies.csv"), "--json"]


def of_run(run: Path) -> Surface:
    """Return the surface of a finished run of which one file was broken, looked at by any command that reads runs."""

    def make(folder: Path, generator: random.Random) -> list[str]:
        copy = shutil.copytree(run, folder / "run")
        path = generator.choice(sorted(path for path in copy.rglob("*") if path.is_file()))
        if generator.random() < 0.6:
            path = generator.choice([copy / name for name in TOP])
        content = path.read_bytes()
        for _ in range(generator.randint(1, 4)):
            content = EDITS[generator.randrange(len(EDITS))](content, generator.randrange(len(content) + 1), generator)
        path.write_bytes(content)
        commands = {
            "verify": ["verify", str(copy)], "status": ["status", str(copy), "--json"], "clean": ["clean", str(copy)],
            "report": ["report", str(copy)], "runs": ["runs", str(folder)], "compare": ["compare", str(copy), str(run)],
            "pilot": ["plan", str(TINY), "--pilot", str(copy)], "study": ["forecast", "--study", str(copy), "--json"],
        }  # fmt: skip
        return generator.choice(list(commands.values()))

    return make


Surface = Callable[[Path, random.Random], list[str]]
SURFACES: dict[str, Surface] = {
    "study": _study,
    "set": _set,
    "records": _records,
    "lm-eval": _lm_eval,
    "inspect": _inspect,
    "archive": _archive,
    "helm": _helm,
    "evals": _evals,
    "table": _table,
    "points": _points,
    "seeds": _seeds,
    "template": _template,
    "corpus": _corpus,
    "design": _design,
    "scenario": _scenario,
    "evidence": _evidence,
    "run-directory": _run_directory,
    "words": _words,
}
"""What is tried without a finished run; `of_run` makes one more of one."""
