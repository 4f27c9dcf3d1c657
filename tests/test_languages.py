import pytest

from agentbay_kernel import languages
from agentbay_kernel.cells import CellMagic, CellRefused, LineMagic


@pytest.mark.parametrize(
    ("language", "code", "status"),
    [
        ("r", "x <- function(a) {", "incomplete"),
        ("r", "x <- function(a) {\n  a\n}", "complete"),
        ("r", "x <-", "incomplete"),
        ("r", "x |>", "incomplete"),
        ("r", "x # (", "complete"),
        ("r", "'a (", "incomplete"),
        ("r", "f(1))", "invalid"),
        ("java", "class A {", "incomplete"),
        ("java", "int x = 1; // {", "complete"),
        ("java", "/* one", "incomplete"),
        ("java", 'String s = "(";', "complete"),
        ("java", 'String s = """\n(', "incomplete"),
        ("java", 'String s = "a', "invalid"),
        ("java", "i++", "complete"),
        ("javascript", "const f = (a) =>", "incomplete"),
        ("javascript", "`a\nb`", "complete"),
        ("javascript", "[1, 2", "incomplete"),
        ("javascript", "'\\''", "complete"),
        ("javascript", "%agentbay", "complete"),
    ],
)
def test_whether_a_cell_is_whole(language, code, status):
    assert languages.is_complete(language, code)["status"] == status


def test_python_knows_better():
    assert languages.is_complete("python", "x = (") is None
    assert languages.info_of("python") == {}


@pytest.mark.parametrize("name", languages.LANGUAGES)
def test_a_kernelspec_differs_in_name_words_and_language(name):
    folder, changes = languages.kernelspec(name)
    assert folder == f"agentbay-{name}"
    assert changes["argv"] == [f"--AgentBayOptions.language={name}"]
    assert changes["display_name"].startswith("AgentBay (")
    assert changes["language"] == languages.info_of(name)["language_info"]["name"]
    assert {"file_extension", "mimetype", "codemirror_mode"} <= {*languages.LANGUAGES[name].info}
    assert languages.kernelspec("python") == ("agentbay", {})


def test_a_cell_is_the_body_of_the_languages_magic():
    parse = languages.parser("r")
    assert parse("x %in% y\n") == [CellMagic("r", "", "x %in% y\n")]
    assert parse(" \n") == []
    assert parse("%%local\n1") == [CellMagic("local", "", "1")]
    assert parse("%agentbay info\n\n%fs ls") == [
        LineMagic("agentbay", "info"),
        LineMagic("fs", "ls"),
    ]


def test_a_magic_above_other_code_is_refused():
    with pytest.raises(CellRefused, match="cell of its own"):
        languages.parser("r")("%fs ls\nx <- 1")
