"""The frame of the command line: exit codes, what is said where, and how fast it starts."""

import ast
import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import gauger.cli
from gauger.cli import application as frame
from gauger.cli.application import COMMANDS, build, main
from gauger.cli.output import print_json, print_text
from gauger.errors import ConvergenceError, MissingExtraError, Place, StudyError, UserError
from gauger.execute.interrupt import Interrupted

GAUGER = [sys.executable, "-m", "gauger"]
HEAVY = {"torch", "polars", "duckdb", "altair", "scipy", "pydantic", "jinja2", "vl_convert", "inspect_ai", "numpy"}


@pytest.fixture
def command(monkeypatch):
    """Put one more command, `try`, into the application; it does what it is given."""

    def use(action):
        module = SimpleNamespace(register=lambda app: app.command("try")(action))
        monkeypatch.setattr(frame, "COMMANDS", (*COMMANDS, "try"))
        original = frame.import_module
        monkeypatch.setattr(frame, "import_module", lambda name: module if name.endswith(".try") else original(name))

    return use


def raising(error):
    def action():
        raise error

    return action


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("gauger 0.")


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    assert main(["-h"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)


@pytest.mark.parametrize("arguments", [["staus"], ["status"], ["status", "x", "--jsn"], ["--nothing"]])
def test_usage_errors_are_the_user_s(capsys, arguments):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_a_mistyped_command_gets_the_nearest_one(capsys):
    main(["staus"])
    assert "status" in capsys.readouterr().err


def test_every_command_module_is_registered():
    rooms = Path(gauger.cli.__file__).parent.glob("*.py")
    having = {
        path.stem
        for path in rooms
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name == "register"
    }
    assert having == set(COMMANDS)


def leaves(command=None, name="gauger"):
    """Yield every command of the application with its words."""
    from typer.main import get_command

    command = command or get_command(build())
    members = getattr(command, "commands", {})
    if not members:
        yield name, command
    for member, inner in members.items():
        yield from leaves(inner, f"{name} {member}")


def test_every_command_with_a_result_takes_json():
    found = dict(leaves())
    assert found
    lacking = [name for name, one in found.items() if not any("--json" in param.opts for param in one.params)]
    assert lacking == []


def test_help_loads_nothing_heavy():
    code = f"import sys; from gauger.cli.application import build; build(); print(sorted({HEAVY!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_a_user_s_mistake(command, capsys):
    command(raising(UserError("a number", "'x'", Place("study.yaml", 3, "seed"), "Write a digit.")))
    assert main(["try"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "study.yaml:3: seed: expected a number, got 'x'. Write a digit.\n"
    assert captured.out == ""


def test_a_missing_extra(command, capsys):
    command(raising(MissingExtraError("training", "train")))
    assert main(["try"]) == 2
    assert "pip install 'gauger[train]'" in capsys.readouterr().err


def test_each_problem_of_a_study_stands_on_its_own_line(command, capsys):
    problems = [UserError("a number", "'x'", Place("s.yaml", 3)), UserError("a name", "7", Place("s.yaml", 9))]
    command(raising(StudyError(problems)))
    assert main(["try"]) == 2
    assert capsys.readouterr().err == "s.yaml:3: expected a number, got 'x'\ns.yaml:9: expected a name, got 7\n"


def test_an_error_of_ours_on_purpose(command, capsys):
    command(raising(ConvergenceError("the fit did not reach its tolerance")))
    assert main(["try"]) == 1
    assert capsys.readouterr().err == "gauger: the fit did not reach its tolerance\n"


def test_a_fault_shows_its_traceback_and_asks_for_a_report(command, capsys):
    command(raising(ZeroDivisionError("division by zero")))
    assert main(["try"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "ZeroDivisionError" in err
    assert "report it" in err


def test_a_run_that_was_stopped(command, capsys):
    command(raising(Interrupted(15)))
    assert main(["try"]) == 143
    assert "stopped by SIGTERM" in capsys.readouterr().err


def test_ctrl_c_outside_a_run(command, capsys):
    command(raising(KeyboardInterrupt()))
    assert main(["try"]) == 130
    assert capsys.readouterr().err == "gauger: stopped\n"


def test_json_steers_no_terminal_and_means_the_same(capsysbinary):
    value = {"name": "a\u202eb\x9b\u200b\u2028\U000e0001", "kept": "é 知 a\u00a0b\u2009c 💥"}
    print_json(value)
    printed = capsysbinary.readouterr().out.decode()
    assert json.loads(printed) == value
    assert "é 知 a\u00a0b\u2009c 💥" in printed
    assert not {"\u202e", "\x9b", "\u200b", "\u2028", "\U000e0001"} & set(printed)
    assert r"\u202e" in printed


EARLY = """
import os, signal, sys
argument = sys.argv[1]
from gauger.__main__ import main
sys.argv = ["gauger", "plan", sys.argv[2], "--json"]
signal.signal(signal.SIGVTALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
signal.setitimer(signal.ITIMER_VIRTUAL, float(argument))
sys.exit(main())
"""


@pytest.mark.parametrize("seconds", [0.001, 0.01, 0.05, 0.2])
def test_ctrl_c_in_the_first_moments(seconds, tiny_study):
    """Processor seconds after the first line of ours, so that a busy machine changes nothing."""
    command = [sys.executable, "-c", EARLY, str(seconds), str(tiny_study)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "gauger: stopped\n")


def test_ctrl_c_that_is_ignored_stays_ignored():
    ignored = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    code = EARLY.replace("from gauger", f"{ignored}\nfrom gauger").replace(
        '"plan", sys.argv[2], "--json"', '"--version"'
    )
    done = subprocess.run([sys.executable, "-c", code, "0.005", ""], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("gauger ")


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC, errno.EROFS])
def test_a_place_that_cannot_be_used(command, capsys, number):
    command(raising(OSError(number, os.strerror(number), "out/records.parquet")))
    assert main(["try"]) == 2
    assert capsys.readouterr().err == f"out/records.parquet: {os.strerror(number)}\n"


def test_other_system_errors_are_faults(command, capsys):
    command(raising(FileNotFoundError(errno.ENOENT, "No such file", "x")))
    assert main(["try"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_exit_codes_given_by_a_command(command, capsys):
    command(raising(SystemExit("in words")))
    assert main(["try"]) == 1
    assert capsys.readouterr().err == "in words\n"


def test_success_and_results_on_standard_output(command, capsysbinary):
    def action():
        print_json({"b": 1, "a": "é \ud800"})

    command(action)
    assert main(["try"]) == 0
    captured = capsysbinary.readouterr()
    assert captured.err == b""
    assert json.loads(captured.out) == {"b": 1, "a": "é \ud800"}


def test_text_that_the_terminal_lacks_is_escaped():
    code = "from gauger.cli.output import print_text; print_text('é · \\ud800')"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    assert found.stdout == b"\\xe9 \\xb7 \\ud800\n"


def test_print_text(capsys):
    print_text("é")
    assert capsys.readouterr().out == "é\n"


def test_a_reader_that_left_is_met_with_silence():
    code = (
        "import sys, typer\nfrom gauger.cli import application as frame\n"
        "def flood():\n    while True:\n        print('x' * 1000)\n"
        "frame.COMMANDS = ('flood',)\n"
        "frame.import_module = lambda name: type('M', (), {'register': staticmethod(lambda a: a.command()(flood))})\n"
        "sys.exit(frame.main(['flood']))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=30) == 141


def test_a_reader_that_never_was_is_met_with_silence():
    read, write = os.pipe()
    os.close(read)
    found = subprocess.run([*GAUGER, "--version"], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (found.returncode, found.stderr) == (141, b"")


def test_python_m_gauger_is_gauger():
    module = subprocess.run([*GAUGER, "--version"], capture_output=True, text=True, check=True)
    script = Path(sys.executable).with_name("gauger")
    installed = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert module.stdout == installed.stdout


@pytest.mark.parametrize("words", [["plan", "a", "\x1b[2J\u202e"], ["plan", "--\x1b[2J\u202e"], ["\x1b[2J\u202e"]])
def test_usage_errors_repeat_no_word_that_steers_the_terminal(words, capsys):
    assert main(words) == 2
    said = capsys.readouterr()
    assert not set(said.out + said.err) & set("\x1b\u202e")
    assert "u202e" in said.err
