"""The command line: a result on standard output, one line on standard error for a refusal."""

import json
import os
import pty
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resviz import __version__, cli
from resviz.models import zoo
from tests.training.squares import MODEL

NET = "new/residual-8?width=4"
COMMANDS = (
    "app",
    "models",
    "predict",
    "layers",
    "features",
    "residual-parts",
    "attribute",
    "receptive-field",
    "batchnorm",
    "train-eval-gap",
    "batch-size",
    "fold",
    "batchnorm-by-hand",
    "evaluate",
    "train",
    "gradients",
    "runs",
)
ROOT = Path(__file__).parents[2]


# ---- refusals


@pytest.fixture
def text_file(tmp_path: Path) -> str:
    path = tmp_path / "text.jpg"
    path.write_text("no picture at all")
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("predict {tmp}/nowhere.jpg --model {net}", "There is no file .*nowhere.jpg"),
        ("predict {tmp} --model {net}", "is a folder"),
        ("predict {text} --model {net}", "looks like a text, which resviz cannot read"),
        ("predict {photo} --model nonsense", "There is no model 'nonsense'"),
        ("predict {photo} --model bundled/nonsense", "among the bundled ones"),
        ("predict {photo} --model run/nonsense", "There is no trained model"),
        ("predict {photo} --model file/{tmp}/none.pt", "There is no file"),
        ("predict {photo} --model new/residual-21", "depth must be 6n \\+ 2"),
        ("predict {photo} --model new/residual-8?colour=blue", "unknown option 'colour'"),
        ("predict {photo} --model new/residual", "FAMILY-DEPTH"),
        ("predict {photo} --model {net} --top 0", "--top: must be a whole number from 1"),
        ("predict {photo} --model {net} --top -3", "--top: must be a whole number from 1"),
        (
            "predict {photo} --model {net} --top many",
            "--top: must be a whole number from 1 to 100000, got many",
        ),
        ("layers --model {net} --size 0", "--size: must be a whole number from 1"),
        ("layers --model {net} --size -5", "--size: must be a whole number from 1"),
        (
            "layers --model {net} --size 5000",
            "--size: must be a whole number from 1 to 4096, got 5000",
        ),
        (
            "layers --model torchvision/squeezenet1_1?weights=none --size 3",
            "cannot take 3 x 3 pixels",
        ),
        (
            "features {photo} --model {net} --layer layer9 --out {tmp}",
            "no layer 'layer9'; did you mean layer",
        ),
        ("features {photo} --model {net} --layer fc --out {tmp}", "fc has no spatial output"),
        (
            "features {photo} --model {net} --layer conv1 --out {text}",
            "cannot be written .*; choose another --out",
        ),
        (
            "attribute {photo} --model {net} --target 10 --out {tmp}",
            "no class 10; choose one from 0 to 9",
        ),
        ("attribute {photo} --model {net} --target -1 --out {tmp}", "no class -1"),
        ("attribute {photo} --model {net} --target x --out {tmp}", "--target: invalid int value"),
        (
            "attribute {photo} --model {net} --method magic --out {tmp}",
            "no method 'magic'; choose one of grad-cam, ",
        ),
        ("attribute {photo} --model {net} --layer fc --out {tmp}", "fc has no spatial output"),
        ("attribute {photo} --model {net} --layer avgpool --out {tmp}", "avgpool is a single cell"),
        ("attribute {photo} --model {net} --layer nope --out {tmp}", "no layer 'nope'"),
        ("attribute {photo} --model {net} --target 1 --out {text}/inside", "cannot be written"),
        ("receptive-field --model {net} --layer fc", "fc has no spatial output"),
        ("receptive-field --model {net} --layer nope", "no layer 'nope'"),
        ("receptive-field", "required: --model"),
        ("receptive-field --model {net} --image {photo}", "add --effective"),
        (
            "receptive-field --model {net} --effective --image {photo} --dataset {squares}",
            "leave out one of them",
        ),
        (
            "receptive-field --model {net} --effective --inputs 0",
            "--inputs: must be a whole number from 1",
        ),
        ("receptive-field --model {net} --effective --dataset pets", "There is no dataset 'pets'"),
        ("evaluate --model {net} --dataset folder:{tmp}/none", "There is no folder or zip file"),
        ("evaluate --model {net} --dataset cifar11", "There is no dataset 'cifar11'"),
        ("evaluate --model {net} --dataset {squares}", "The model does not know green, red"),
        ("train --model {two} --dataset folder:{tmp}/none", "There is no folder or zip file"),
        ("train --model {net} --dataset {squares}", "add classes=2 to the model's name"),
        (
            "train --model torchvision/resnet18 --dataset {squares}",
            "only a new network can be trained",
        ),
        (
            "train --model {two} --dataset {squares} --epochs 0",
            "epochs must be from 1 to 10000, got 0",
        ),
        ("train --model {two} --dataset {squares} --seed -1", "seed must be from 0"),
        ("train --model {two} --dataset {squares} --side 0", "side must be from 8 to 512, got 0"),
        (
            "train --model {two} --dataset {squares} --threads 0",
            "--threads: must be a whole number from 1",
        ),
        (
            "train --model {two} --dataset {squares} --threads -2",
            "--threads: must be a whole number from 1",
        ),
        ("train --model {two} --dataset {squares} --out {text}", "cannot be written"),
        ("train --recipe pancakes --dataset {squares}", "There is no recipe 'pancakes'"),
        ("train --recipe cifar10 --side 16 --dataset {squares}", "leave out --side or --recipe"),
        ("", "COMMAND"),
        ("dance", "invalid choice: 'dance'"),
        ("predict", "required: IMAGE, --model"),
        ("predict {photo}", "required: --model"),
        ("predict {photo} --model {net} --colour", "unrecognized arguments: --colour"),
        ("features {photo} --model {net}", "required: --out, --layer"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_no_file(
    refuse, tmp_path, home, photo, squares, text_file, arguments, told
):
    names = {
        "tmp": tmp_path,
        "text": text_file,
        "photo": photo,
        "squares": squares,
        "net": NET,
        "two": MODEL,
    }
    before = sorted(tmp_path.rglob("*"))
    for json_or_not in ([], ["--json"]):
        line = refuse(*arguments.format(**names).split(), *json_or_not)
        assert re.search(told, line)
        assert "Traceback" not in line
    assert sorted(tmp_path.rglob("*")) == before


def test_a_refusal_stays_one_line_whatever_the_user_typed(refuse, photo):
    assert "There is no file two lines;" in refuse("predict", "two\nlines", "--model", NET)
    assert "There is no model" in refuse("predict", photo, "--model", "a\nb\r\nc")


def test_a_wrong_call_names_the_help_of_its_command(refuse):
    assert refuse("layers").endswith("`python -m resviz layers --help` explains.")
    assert refuse().endswith("`python -m resviz --help` explains.")


def test_what_is_no_refusal_is_a_bug_and_shows(monkeypatch):
    monkeypatch.setattr(zoo, "catalogue", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["models"])


def test_an_interruption_is_no_traceback(monkeypatch, capsys):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(zoo, "catalogue", interrupt)
    assert cli.main(["models", "--json"]) == 130
    assert capsys.readouterr() == ("", "resviz: stopped.\n")


# ---- help


def test_the_help_lists_every_command_and_an_example_that_works(capsys, photo):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert all(re.search(rf"^    {command}\s", text, re.MULTILINE) for command in COMMANDS)
    _, _, command = cli.EXAMPLE.partition("python -m resviz ")
    assert cli.main(command.replace("photo.jpg", photo).split()) == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_explains_every_option(capsys, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    text = capsys.readouterr().out
    listed = re.findall(r"^  (?:-\w, )?(--?\S+|IMAGE)(?: [A-Z]+)?  +(\S.*)$", text, re.MULTILINE)
    assert {name for name, _ in listed} >= set(re.findall(r"--[\w-]+", text.split("\n\n")[0]))
    assert ("--json", "print one JSON object") in listed
    assert all(len(help_text.split()) >= 2 for _, help_text in listed)


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"resviz {__version__}\n"


# ---- as a process


def process(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-W", "error", "-m", "resviz", *arguments]
    return subprocess.run(
        command, cwd=ROOT, timeout=120, check=False, capture_output=True, text=True, **options
    )


def test_a_process_prints_json_alone_and_ends_with_zero(photo):
    found = process("predict", photo, "--model", NET, "--json")
    assert (found.returncode, found.stderr) == (0, "")
    assert json.loads(found.stdout)["model"] == NET


def test_a_process_that_refuses_ends_with_two_and_prints_nothing(tmp_path):
    found = process("predict", str(tmp_path / "none.jpg"), "--model", NET, "--json")
    assert (found.returncode, found.stdout) == (2, "")
    assert re.fullmatch(r"resviz: There is no file .*\n", found.stderr)


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX pipe")
def test_a_reader_that_closes_the_pipe_early_is_no_error():
    child = [sys.executable, "-W", "error", "-m", "resviz", "layers", "--model", "new/residual-56"]
    with subprocess.Popen(
        child, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        running.stdout.close()  # before anything is written
        assert running.stderr.read() == ""
        assert running.wait(120) == 0


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX terminal")
def test_progress_is_for_a_terminal_and_never_on_standard_output(
    home, squares, monkeypatch, capsys
):
    terminal, child = pty.openpty()
    train = [
        "train",
        "--model",
        MODEL,
        "--dataset",
        squares,
        "--epochs",
        "2",
        "--side",
        "8",
        "--json",
    ]
    with os.fdopen(child, "w") as screen, ThreadPoolExecutor(1) as reader:
        shown = reader.submit(_all, terminal)
        monkeypatch.setattr(sys, "stderr", screen)
        assert cli.main(train) == 0
        screen.close()  # the reader has come to the end
    os.close(terminal)
    assert json.loads(capsys.readouterr().out)["status"] == "finished"
    assert b"decoding squares" in shown.result()
    lines = [
        re.sub(rb"^.*\x1b\[K", b"", line) for line in shown.result().split(b"\r\n")
    ]  # what is left of each line
    assert [re.sub(rb"\d\.\d{4}", b"A", line) for line in lines] == [
        b"epoch 1/2: test accuracy A",
        b"epoch 2/2: test accuracy A",
        b"",
    ]


def _all(terminal: int) -> bytes:
    """All that is written to a terminal until it is closed."""
    return b"".join(iter(lambda: _rest(terminal), b""))


def _rest(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says so when the other end is closed
        return b""
