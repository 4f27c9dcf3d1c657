import pytest

from agentbay_kernel.cells import CellMagic, CellRefused, LineMagic, Remote, parse


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\nx",
        "!ls\n%time f()",
        "%%bash\n%fs ls",
        "%fsx",
        "def f(:",
        "print('50 %fs')",
        "x = 7 %fs",
    ],
)
def test_a_cell_without_our_magics_is_sent_untouched(text):
    assert parse(text) == [Remote(text)]


def test_a_magic_inside_a_string_stays_text():
    text = "s = '''\n%fs ls\n'''\ns"
    assert parse(text) == [Remote(text)]


def test_pieces_after_a_magic_keep_their_line_numbers():
    segments = parse("a = 1\n%fs ls /x\nb\n")
    assert segments[2] == Remote("#\n#\nb\n")


def test_only_the_last_piece_may_have_a_result():
    first, magic, last = parse("1\n%agentbay\n2")
    assert first == Remote("1\npass")
    assert magic == LineMagic("agentbay", "")
    assert last.code.endswith("2")


def test_a_continued_line_belongs_to_its_magic():
    assert parse("%fs put a.csv \\\n  b.csv") == [LineMagic("fs", "put a.csv   b.csv")]


def test_other_magics_beside_ours_stay_for_the_session():
    segments = parse("%time 1\n%fs ls\n!ls\nawait x")
    assert segments[0].code.startswith("%time 1")
    assert "!ls\nawait x" in segments[2].code


def test_local_takes_the_whole_cell():
    assert parse("%%local\nx = 1\nx") == [CellMagic("local", "", "x = 1\nx")]


@pytest.mark.parametrize(
    "text", ["if 1:\n    %fs ls", "x = %fs ls", "f(\n%fs ls\n)", "def f():\n    %agentbay labels"]
)
def test_a_magic_inside_a_statement_is_refused_with_the_call_that_does_the_same(text):
    with pytest.raises(CellRefused, match=r"Nothing of the cell has run.*current\(\)"):
        parse(text)


def test_a_misplaced_push_names_the_call_for_data():
    with pytest.raises(CellRefused, match=r"files\.write"):
        parse("if 1:\n    %push x")


def test_a_syntax_error_beside_a_magic_is_found_before_anything_runs():
    with pytest.raises(SyntaxError):
        parse("%fs ls\ndef f(:")
