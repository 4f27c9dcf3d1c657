"""What stands for a model of pydantic's is one to whoever asks."""

import subprocess
import sys

import pydantic
import pytest

from agentbay_kernel.providers._late_models import PYDANTIC, BaseModel

Late = PYDANTIC.BaseModel


class Answer(Late):
    """What is answered."""

    result: str
    count: int = PYDANTIC.Field(default=1, ge=0)

    @PYDANTIC.field_validator("result")
    @classmethod
    def upper(cls, value):
        return value.upper()


class Plain(pydantic.BaseModel):
    """What is answered."""

    result: str
    count: int = pydantic.Field(default=1, ge=0)


def test_it_describes_itself_as_the_model():
    assert Answer.model_json_schema() == {**Plain.model_json_schema(), "title": "Answer"}


def test_it_makes_and_checks_models():
    made = Answer(result="a")
    assert made.model_dump() == {"result": "A", "count": 1}
    assert isinstance(made, Answer)
    assert isinstance(made, pydantic.BaseModel)
    assert not isinstance(Plain(result="a"), Answer)
    with pytest.raises(pydantic.ValidationError):
        Answer(result="a", count=-1)


def test_a_class_below_it_has_its_fields():
    class More(Answer):
        more: bool

    assert More(result="a", more=True).model_dump() == {"result": "A", "count": 1, "more": True}


def test_a_model_of_pydantics_own_takes_it_as_a_field():
    class Outer(pydantic.BaseModel):
        inner: Answer

    assert Outer.model_validate({"inner": {"result": "a"}}).inner.result == "A"


def test_it_is_the_base_of_every_model():
    assert isinstance(Plain(result="a"), BaseModel)
    assert BaseModel.model_fields == pydantic.BaseModel.model_fields


def test_to_declare_one_does_not_import_pydantic():
    code = """
import sys
from typing import TypeVar
from agentbay_kernel.providers._late_models import PYDANTIC
class One(PYDANTIC.BaseModel):
    result: str
T = TypeVar("T", bound=PYDANTIC.BaseModel)
assert "pydantic" not in sys.modules
print(One.model_validate({"result": "a"}).result)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "a\n"
