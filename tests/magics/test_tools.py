"""The tools of an image: listed, explained, completed, checked and called."""

import base64

import pytest

from agentbay_kernel.errors import ToolError, UsageError
from agentbay_kernel.events import DisplayData, Stream
from agentbay_kernel.magics.tools import check, split_call
from agentbay_kernel.tools import ToolContent, ToolInfo
from tests.magics.acting import Acting, FakeManager

CLICK = ToolInfo(
    "click_mouse",
    "wuying_ui",
    "Click somewhere.\nMore about it.",
    {
        "type": "object",
        "properties": {
            "x": {"type": "integer", "description": "from the left"},
            "y": {"type": "integer"},
            "button": {"type": "string", "enum": ["left", "right"], "default": "left"},
            "double": {"type": "boolean"},
        },
        "required": ["x", "y"],
    },
)
SHOT = ToolInfo("screenshot", "wuying_ui", "Show the screen.", {"type": "object"})


@pytest.fixture
def user():
    user = Acting()
    user.manager.session.tools.known = (CLICK, SHOT)
    user.manager.place.known_tools = (CLICK, SHOT)
    return user


@pytest.fixture
def tools(user):
    return user.manager.session.tools


async def test_the_tools_are_listed_with_their_arguments(user):
    text = await user.do("%agentbay tools")
    assert "x=integer y=integer [button=string] [double=boolean]" in text
    assert "Click somewhere." in text
    assert "More about it" not in text


async def test_tools_of_an_image_need_no_session(user):
    user.manager.session = None
    assert "2 tools of linux_latest" in await user.do("%agentbay tools --image linux_latest")
    assert user.manager.started == 0


async def test_the_value_of_tools_has_the_whole_schemas(user):
    found = await user.value("%agentbay tools")
    assert found[0]["schema"] == CLICK.schema


async def test_words_become_what_the_schema_asks_for(user, tools):
    await user.do("%agentbay call click_mouse x=1 y=2 button=right double=True")
    given = {"x": 1, "y": 2, "button": "right", "double": True}
    assert tools.called == [("click_mouse", given)]


async def test_arguments_may_be_json(user, tools):
    await user.do('%agentbay call click_mouse {"x": 1, "y": 2, "button": "left"}')
    assert tools.called == [("click_mouse", {"x": 1, "y": 2, "button": "left"})]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("click_mous x=1 y=2", "Did you mean click_mouse"),
        ("click_mouse x=1", "'y' is a required property"),
        ("click_mouse x=one y=2", "'one' is not of type 'integer'"),
        ("click_mouse x=1 y=2 button=middle", "'middle' is not one of"),
        ("click_mouse x=1 y=2 buton=left", "Did you mean button"),
        ("click_mouse 1 2", "is no argument"),
        ("click_mouse {x: 1}", "no JSON"),
        ("", "required: tool"),
    ],
)
async def test_wrong_arguments_are_refused_before_the_call(user, tools, words, complaint):
    with pytest.raises(UsageError, match=complaint):
        await user.do(f"%agentbay call {words}")
    assert tools.called == []


async def test_a_tool_is_explained(user):
    page = await user.do("%agentbay call click_mouse?")
    assert "x  (integer)  from the left" in page
    assert 'button  (string, optional, default "left")' in page
    assert '"required"' in page


async def test_an_image_is_shown_as_one(user, tools):
    tools.answers["screenshot"] = [ToolContent(mime="image/png", data=b"PNG")]
    packed = base64.b64encode(b"PNG").decode()
    value = await user.value("%agentbay call screenshot")
    assert user.events[-1].data["image/png"] == packed
    assert value == {"mime": "image/png", "data": packed}


async def test_json_is_shown_as_json(user, tools):
    tools.answers["screenshot"] = [ToolContent('{"size": [1, 2]}')]
    assert await user.value("%agentbay call screenshot") == {"size": [1, 2]}
    assert isinstance(user.events[-1], DisplayData)
    assert user.events[-1].data["application/json"] == {"size": [1, 2]}


async def test_a_number_alone_is_text(user, tools):
    tools.answers["screenshot"] = [ToolContent("12"), ToolContent("13")]
    assert await user.value("%agentbay call screenshot") == ["12", "13"]
    assert user.events[-1] == Stream("stdout", "13\n")


async def test_a_failing_tool_is_an_error(user, tools):
    tools.answers["screenshot"] = ToolError("no screen")
    with pytest.raises(ToolError, match="no screen"):
        await user.do("%agentbay call screenshot")


async def test_tool_names_and_arguments_are_completed(user):
    assert await user.complete("%agentbay call cl") == ["click_mouse"]
    assert await user.complete("%agentbay call click_mouse x=1 ") == ["y=", "button=", "double="]
    assert await user.complete("%agentbay call click_mouse bu") == ["button="]


async def test_completion_starts_no_session():
    user = Acting(FakeManager())
    user.manager.session = None
    assert await user.complete("%agentbay call cl") == []
    assert user.manager.started == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("t a='b c' d", ["t", "a=b c", "d"]),
        ('t {"a": "it\'s {x}"} -o v', ["t", '{"a": "it\'s {x}"}', "-o", "v"]),
        ("t a={}", ["t", "a={}"]),
        ("t {no", ["t", "{no"]),
    ],
)
def test_json_in_a_line_keeps_its_quotes(line, words):
    assert split_call(line) == words


def test_a_schema_that_points_elsewhere_is_not_followed():
    check(ToolInfo("t", schema={"$ref": "http://127.0.0.1:1/schema"}), {})
