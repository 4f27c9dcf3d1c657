"""What a saved notebook and a terminal say, whatever strings a session sends."""

import html.parser

import pytest

from agentbay_kernel.panel import static, strings

HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>"


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)


async def test_it_is_true_for_its_moment(user, monkeypatch):
    monkeypatch.setenv("LANG", "C.UTF-8")
    session = await user.start()
    session.own_labels = {"project": "tides"}
    await user.model.refresh("labels")
    shown = static.bundle(user.model)
    for text in shown.values():
        assert "Ready" in text
        assert "s-1" in text
        assert "59 min" in text or "1 h 0 min" in text
        assert "project=tides" in text
        assert "As of " in text
    assert shown["text/plain"].startswith("AgentBay panel\nstate ")


async def test_hostile_strings_are_text(user):
    session = await user.start()
    session.own_labels = {HOSTILE: HOSTILE}
    session.image = HOSTILE
    await user.model.refresh("labels")
    user.model.look()
    shown = static.bundle(user.model)
    assert Tags(shown["text/html"]).found == {"table", "caption", "tbody", "tr", "th", "td", "p"}
    assert HOSTILE in shown["text/plain"]


async def test_no_link_is_in_it(user):
    await user.start()
    await user.act("link", port=30100)
    assert "secret" not in repr(static.bundle(user.model))


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"LANG": "zh_CN.UTF-8"}, strings.ZH),
        ({"LANG": "de_DE.UTF-8"}, strings.EN),
        ({"LANGUAGE": "en", "LANG": "zh_CN.UTF-8"}, strings.EN),
        ({}, strings.EN),
    ],
)
def test_the_words_are_those_of_the_computers_language(monkeypatch, variables, words):
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert strings.of_environment() is words


def test_both_languages_have_the_same_words_with_the_same_places():
    def places(text):
        return sorted(part.partition("}")[0] for part in text.split("{")[1:])

    assert strings.EN.keys() == strings.ZH.keys()
    for key, text in strings.EN.items():
        assert places(text) == places(strings.ZH[key]), key
        assert strings.ZH[key].strip()
