"""Does any input, however broken, end in a traceback, much memory or a long wait? A seeded fuzzer over every surface.

Run: python validation/fuzz/fuzz.py [--inputs 10000] [--seed 1] [--minutes 60] [--surface NAME ...]
The contract, for every input: exit 0 or 2, no traceback, no NaN among the numbers, no control character on the
terminal, under 1 GB, under 20 s. Inputs are sound files (and `--set` words) in which bytes, numbers, names and
structure were changed at random. Each surface runs in a process of its own, started anew after a failure; a failure is
printed with the surface and number that make it again with the same seed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_SECONDS, MOST_MEGABYTES = 20.0, 1000
ROOT = Path(__file__).parents[2]
RECORDS = "study,arm,replicate,benchmark,item,score,tokens_in\n" + "".join(
    f"s,{arm},{r},b{b},i{n},{(n + r) % 2},5\n" for arm in "ac" for r in range(2) for b in range(2) for n in range(5)
)
TABLE = "study,effect,variance,kind\n" + "".join(f"s{n // 2},{n / 10},{0.01 + n / 100},k{n % 2}\n" for n in range(9))
POINTS = "n_params,n_tokens,loss\n" + "".join(
    f"{10**e},{10 ** (e + 1)},{2 + 10 ** (-e / 8):.4f}\n" for e in range(3, 10)
)
SEEDS = "".join(json.dumps({"id": f"s{n}", "prompt": f"What is {n}?", "answer": str(n)}) + "\n" for n in range(4))
DESIGN = "draws: 2\ncells:\n  - {name: a, replicates: 2, items: 20, uplift: 0.1}\n"
DOCUMENT = {"doc": {}, "target": "0", "resps": [["a"]], "filter": "none", "metrics": ["acc"]}
LM_EVAL = "".join(
    json.dumps({"doc_id": n, **DOCUMENT, "doc_hash": f"h{n}", "acc": float(n % 2)}) + "\n" for n in range(6)
)
SAMPLE = {"epoch": 1, "input": "q", "target": "a", "messages": [], "scores": {"match": {"value": "C"}}}
INSPECT = {
    "version": 2,
    "status": "success",
    "eval": {"task": "t", "model": "m"},
    "results": {"scores": [{"name": "match", "scorer": "match", "metrics": {}}]},
    "samples": [{"id": n, **SAMPLE} for n in range(5)],
}
SETTINGS = (
    "seed", "replicates", "verdict.threshold", "verdict.level", "verdict.looks", "arms.label.stages.0.samples",
    "world.seed", "benchmarks.max-quiz.role", "controls.leak.off", "decoding.temperature", "student.training.steps",
    "arms", "world", "nothing", "arms.label.stages.9.steps", "teacher.surface.max_usd",
)  # fmt: skip
ODD = (
    "", "-1", "0", "nan", "inf", "-inf", "1e999", str(10**30), "-5", "null", "true", "[]", "{}", "[[[[", '"', "'",
    "\x1b[2J", "\u202e", "\x00", "é", "💥", "a" * 5000, "=1+1", "{a: {a: {a: 1}}}", "&a [*a]",
    "!!python/object:os.x {}",
    "../../etc/passwd", "%s%n", "0x10", "1_000", "9" * 400, "-0.0", "\r", "\t", ",", ";",
)  # fmt: skip


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


def _seeds(folder: Path, generator: random.Random) -> list[str]:
    (folder / "replay").mkdir()
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


SURFACES: dict[str, Callable[[Path, random.Random], list[str]]] = {
    "study": _study,
    "set": _set,
    "records": _records,
    "lm-eval": _lm_eval,
    "inspect": _inspect,
    "archive": _archive,
    "table": _table,
    "points": _points,
    "seeds": _seeds,
    "design": _design,
    "run-directory": _run_directory,
    "words": _words,
}


def fault_of(surface: str, seed: int, number: int) -> str:
    """Make one input of a surface, run it, and say how the contract was broken; empty where it was kept."""
    from gauger.cli import main

    generator = random.Random(f"{seed} {surface} {number}")  # noqa: S311
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        arguments = [word.replace("\0", "") for word in SURFACES[surface](Path(name), generator)]
        streams = [io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2)]
        start = time.monotonic()
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            try:
                code: Any = main(arguments)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is a fault
                return f"raised {type(error).__name__}: {error}"[:300]
        took = time.monotonic() - start
        for stream in streams:
            stream.flush()
        texts = [stream.buffer.getvalue().decode("utf-8", "replace") for stream in streams]  # type: ignore[attr-defined]
    return broken_promise(code, texts, took)


def broken_promise(code: object, texts: list[str], took_s: float) -> str:
    """Hold an exit code, standard output and error, and the seconds taken against the contract."""
    said = "\n".join(texts)
    if code not in (0, 2) or "Traceback" in said or "fault in Gauger" in said:
        return f"exit {code}: {' | '.join(said.strip().splitlines()[-2:])[:300]}"
    if "NaN" in texts[0] or "Infinity" in texts[0]:
        return "NaN among the numbers"
    if {"\x1b", "\x00", "\u202e"} & set(said):
        return "a control character reached the terminal"
    return f"took {took_s:.0f} s" if took_s > MOST_SECONDS else ""


def _work(surface: str, seed: int, numbers: list[int], results: Any) -> None:
    """Run inputs of a surface in this process, as long as it keeps to its memory."""
    for number in numbers:
        results.put((number, fault_of(surface, seed, number)))
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if used > MOST_MEGABYTES:
            results.put((number, f"took {used:.0f} MB"))
            return
    results.put((-1, ""))


def run_surface(surface: str, seed: int, n: int, until: float) -> tuple[int, list[str]]:
    """Run inputs of one surface, and return how many ran and what failed."""
    context, done, faults = multiprocessing.get_context("spawn"), 0, list[str]()
    while done < n and time.monotonic() < until:
        results: Any = context.Queue()
        process = context.Process(target=_work, args=(surface, seed, list(range(done, n)), results))
        process.start()
        while time.monotonic() < until:
            try:
                number, fault = results.get(timeout=6 * MOST_SECONDS)
            except Exception:  # noqa: BLE001 - nothing came: it hangs, or its process died
                faults.append(f"{surface} {done}: no answer, or its process died")
                done += 1
                break
            if number < 0:
                break
            done = max(done, number + 1)
            faults += [f"{surface} {number}: {fault}"] if fault else []
        process.kill()
        process.join()
    return done, faults


def main() -> int:
    """Run all surfaces in turn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--surface", nargs="*", default=list(SURFACES))
    options = parser.parse_args()
    os.environ.update(POLARS_MAX_THREADS="1", OMP_NUM_THREADS="1")
    start, total, every = time.monotonic(), 0, list[str]()
    for place, surface in enumerate(options.surface):
        share = options.minutes * 60 * (place + 1) / len(options.surface)
        done, faults = run_surface(surface, options.seed, options.inputs // len(options.surface), start + share)
        total, every = total + done, [*every, *faults]
        print(f"{surface}: {done} inputs, {len(faults)} faults", flush=True)
        print("".join(f"  {fault}\n" for fault in faults), end="", flush=True)
    print(f"{total} inputs, {len(every)} faults, {time.monotonic() - start:.0f} s, seed {options.seed}")
    return 1 if every else 0


if __name__ == "__main__":
    sys.exit(main())
