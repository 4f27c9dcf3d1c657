"""A cell asks, and a person answers."""

import re

from playwright.sync_api import expect

SECRET = "correct-horse"


def marked(sheet, question):
    """The question as the page shows it; one from a session says so in front."""
    front = "[session] " if sheet.kernel.startswith("agentbay") else ""
    return re.compile(rf"^{re.escape(front + question)}\s*$")


def answer(sheet, question, text):
    """Wait for the question and answer it as a person does; returns the field's kind."""
    asked = sheet.cells.locator(".jp-Stdin-prompt").filter(has_text=question.strip())
    expect(asked).to_have_text(marked(sheet, question))
    field = asked.locator("input")
    kind = field.get_attribute("type")
    field.press_sequentially(text)
    field.press("Enter")
    return kind


def test_an_answer_comes_back(sheet):
    sheet.fill("name, town = input('name? '), input('town? ')\nprint(f'{name} of {town}')")
    sheet.start(0)
    answer(sheet, "name? ", "Ada")
    answer(sheet, "town? ", "London")
    sheet.ended(0)
    expect(sheet.output(0)).to_contain_text("Ada of London")


def test_a_password_is_neither_shown_nor_saved(sheet):
    sheet.fill("from getpass import getpass\nword = getpass('word? ')", "len(word)")
    sheet.start(0)
    assert answer(sheet, "word? ", SECRET) == "password"
    sheet.ended(0)
    expect(sheet.output(0)).to_contain_text("····")
    sheet.run(1)
    expect(sheet.output(1)).to_have_text(re.compile(rf"{len(SECRET)}\s*$"))
    saved = sheet.save()
    assert "word? " in saved
    assert SECRET not in saved
    assert SECRET not in sheet.page.content()
