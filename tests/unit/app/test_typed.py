"""What was mistyped: each command says in words for people what is wrong, and where."""

import re
import sys
from pathlib import Path

import pytest
import typer
from typer import rich_utils
from typer.testing import CliRunner, Result

from isocket.app.commands import app
from isocket.app.provision import ModelName
from isocket.app.typed import line_of

THE_LIBRARYS = ("Input should", "Value error", "Errno", "codec", "__init__", "argument after", "Traceback")
"""What people should not have to read."""


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ISOCKET_DATA_DIR", str(tmp_path / "var"))
    Path("bytes").write_bytes(b"\xff\xfe\x00")
    Path("words").write_text("nonsense\n")


def typed(words: str) -> Result:
    return CliRunner().invoke(app, [each.replace("~", " ") for each in words.split()])


def refused(words: str) -> str:
    """Return the words of a refusal, without the frame around them; it is one, and no crash."""
    done = typed(words)
    assert (done.exit_code in {1, 2}, done.stdout, type(done.exception)) == (True, "", SystemExit), done.exception
    said = " ".join(done.stderr.replace("│", "").split())
    assert not [each for each in THE_LIBRARYS if each in said], said
    return said


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "1_1", "\uff11", "1~1", "1e1", "9999999999", "9" * 400])
@pytest.mark.parametrize(
    ("command", "bounds"),
    [
        ("device provision --model isocket-3g --count", "1 to 1000000"),
        ("sim --devices", "1 to 1000000"),
        ("privacy newsletter --subject News --text words --per-minute", "1 to 6000"),
        ("privacy unrestrict --account acc_1 --days", "1 to 90"),
    ],
)
def test_a_whole_number_is_asked_for_with_its_bounds(command: str, bounds: str, number: str) -> None:
    option = command.rsplit(maxsplit=1)[-1]
    assert f"'{option}': write a whole number from {bounds}, in digits" in refused(f"{command} {number}")


@pytest.mark.parametrize("number", ["0", "-1", "x", "nan", "inf", "1_1.0", "1e400", "1000001"])
def test_time_runs_by_a_number_that_is_one(number: str) -> None:
    assert "'--time-scale': write a number from 0.001 to 1000000, in digits" in refused(f"sim --time-scale {number}")


@pytest.mark.parametrize("number", ["-1", "x", "9999999999"])
@pytest.mark.parametrize(
    "options",
    [
        "ingest --reports --rate --seconds", "alarm --alarms --rate --reports-per-s --backlog",
        "signin --seconds --rate --alarms-per-s --cost", "enumeration --samples --cost",
        "portal --seconds --connections --sockets --sign-ins", "storm --devices --reports-each --dark --sms-per-s",
        "history --days --every-s --asked", "export --days --sockets --seconds --alarms-per-s",
    ],
)  # fmt: skip
def test_a_benchmark_of_a_nonsensical_size_is_refused_with_its_bounds(options: str, number: str) -> None:
    name, *each = options.split()
    for option in each:
        said = refused(f"bench {name} {option} {number}")
        assert re.search(rf"'{option}': write a (whole )?number from [0-9.]+ to [0-9]+, in digits", said), said


@pytest.mark.parametrize("words", ["alarm --alarms", "ingest --reports", "history --every-s", "export --seconds"])
def test_a_benchmark_of_nothing_is_refused(words: str) -> None:
    assert "write a" in refused(f"bench {words} 0")


def test_a_benchmark_needs_a_folder_that_is_there() -> None:
    assert "'--folder': dir 'nowhere' does not exist" in refused("bench history --days 1 --folder nowhere")


@pytest.mark.parametrize("command", ["device provision", "sim", "privacy newsletter", "privacy unrestrict"])
def test_bounds_of_numbers_are_told_by_the_help(command: str) -> None:
    done = typed(f"{command} --help")
    assert (done.exit_code, "1.." in done.stdout) == (0, True)


@pytest.mark.parametrize("command", ["announce", "privacy breach notify", "privacy breach report"])
def test_the_help_names_the_table_that_a_file_of_words_needs(command: str) -> None:
    assert "`[en]` at least" in " ".join(typed(f"{command} --help").stdout.replace("│", "").split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("device provision --model isocket-9", "'--model': 'isocket-9' is not one of 'isocket-707'"),
        ("staff add --email kai@example.org --role king", "'--role': 'king' is not one of 'support'"),
        ("privacy breach assess bre_1 --why x --risk some", "'--risk': 'some' is not one of 'unlikely'"),
        ("privacy breach draft bre_1 --duty none", "'--duty': 'none' is not one of 'authority'"),
        ("sim --url mqtt://999.1.1.1 --credentials words", "--url: its host is neither a name nor an IP address"),
        ("sim --url nonsense --credentials words", "--url: this is no broker's address; write mqtt://host:port"),
        ("sim --url mqtt://192.0.2.1", "--url: a broker of somebody else's knows no sockets made here"),
        ("bench ingest --seconds x", "'--seconds': write a whole number from 1 to 3600, in digits"),
        ("bench ingest --nonsense", "No such option: --nonsense"),
    ],
)
def test_what_was_mistyped_is_named_without_words_of_the_library(words: str, said: str) -> None:
    assert said in refused(words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("announce --words nowhere", "--words: nowhere cannot be read: No such file or directory."),
        ("announce --words words", "--words: words cannot be read: "),
        ("privacy breach notify bre_1 --words nowhere", "--words: nowhere cannot be read: No such file"),
        ("privacy breach report bre_1 --words bytes", "--words: bytes cannot be read: it is no text in UTF-8."),
        ("sim --credentials nowhere", "--credentials: nowhere cannot be read: No such file or directory"),
        ("sim --credentials bytes", "--credentials: bytes cannot be read: it is no text in UTF-8"),
        ("sim --credentials one", "--devices: 5 devices asked for, credentials for 1; `isocket device provision`"),
        ("privacy newsletter --subject News --text nowhere", "--text: nowhere cannot be read as text: No such file"),
        ("privacy newsletter --subject News --text bytes", "bytes cannot be read as text: it is no text in UTF-8."),
        ("archive keygen m --passphrase-file nowhere", "--passphrase-file: nowhere cannot be read: No such file"),
        ("archive keygen m --passphrase-file bytes", "bytes cannot be read: it is no text in UTF-8."),
        ("privacy import nowhere", "'file': file 'nowhere' does not exist."),
        ("archive open nowhere --key words", "'file': file 'nowhere' does not exist."),
        ("archive open words --key nowhere", "'--key': file 'nowhere' does not exist."),
        ("archive list nowhere", ": dir 'nowhere' does not exist."),
    ],
)
def test_a_file_that_cannot_be_read_is_something_mistyped_and_named_by_its_option(words: str, said: str) -> None:
    made = typed("device provision --model isocket-3g")
    Path("one").write_text(made.stdout)
    assert said in refused(words)
    assert typed(words).exit_code == 2


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[en\n", "file cannot be read: "),
        ('subject = "News"\n', "`subject` stands outside a table: write [en] above"),
        ('[en]\nsubject = "News"\ntext = "a"\nmore = "b"\n', "[en] has no place for `more`, but for subject, text."),
        ('[en]\nsubject = "News"\n', "[en] lacks text."),
        ("[en]\n", "[en] lacks subject and text."),
        ('[en]\nsubject = 1\ntext = "a"\n', "en.subject is no text in quotes."),
        ('[de]\nsubject = "a"\ntext = "a"\n', "write it in English (`en`) at least"),
        ("", "write it in English (`en`) at least"),
    ],
)
def test_what_is_wrong_with_a_file_of_words_is_said_by_its_place(toml: str, said: str) -> None:
    Path("file").write_text(toml)
    assert said in refused("announce --words file")
    assert typed("announce --words file").exit_code == 2


def test_what_keeps_a_breach_from_being_opened_is_named_as_it_was_typed() -> None:
    assert typed("device provision --model isocket-3g").exit_code == 0
    command = (
        "privacy breach open --what A~list~of~sockets~lay~open. --risk likely --kind confidentiality "
        "--aware-at 2026-11-22T12:00:00Z --began-at 2026-11-20T00:00:00Z"
    )
    assert "--open: nonsense is no field" in refused(f"{command} --why Power~cuts~could~be~read. --open nonsense")
    assert "--why: Say why you judge the risk so." in refused(f"{command} --why x --open devices")


@pytest.mark.parametrize(
    "words",
    [
        "privacy scan --for",
        "privacy erase --account",
        "privacy erase --recipient",
        "archive find --email",
        "privacy breach show",
    ],
)
def test_a_word_that_is_no_text_is_refused_and_not_shown(words: str) -> None:
    assert typed("device provision --model isocket-3g").exit_code == 0
    assert "Invalid value: one of the words is no text in UTF-8" in refused(f"{words} \udcff\udcfemaija")


@pytest.mark.parametrize("words", ["privacy scan --for -", "archive find --email -", "privacy erase --recipient -"])
def test_a_line_that_is_no_text_is_not_taken_for_something_found(words: str) -> None:
    assert typed("device provision --model isocket-3g").exit_code == 0
    done = CliRunner().invoke(app, words.split(), input=b"\xff\xfemaija\n")
    assert (done.exit_code, done.stdout, type(done.exception)) == (2, "", SystemExit)
    assert "the line is no text in UTF-8" in done.stderr


def test_a_line_from_a_standard_input_that_is_closed_is_asked_for_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(typer.BadParameter, match="standard input is closed"):
        line_of("-", "--for")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("device provision --help", "that runs lets new devices in within about a second."),
        ("privacy erase --help", "by letter gets it from you. Of a recipient it is what their own page does, for"),
    ],
)
def test_the_help_of_a_command_fills_the_lines_of_whoever_reads_it(
    words: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rich_utils, "MAX_WIDTH", 80)
    assert line in [each.strip() for each in typed(words).stdout.splitlines()]


@pytest.mark.parametrize("words", ["device provision --help", "announce --help"])
def test_no_models_name_is_broken_where_a_line_of_the_help_ends(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rich_utils, "MAX_WIDTH", 80)
    said = typed(words).stdout
    assert [each for each in ModelName if each not in said] == []
