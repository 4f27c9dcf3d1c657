"""Magics in a real kernel: what only the way through the session can show."""


def test_a_value_is_plain_data_in_the_session(kernel):
    assert kernel.execute("%agentbay labels project=demo 'owner=Ann Lee' -o found").status == "ok"
    assert kernel.execute("sorted(found.items())").value() == (
        "[('owner', 'Ann Lee'), ('project', 'demo')]"
    )


def test_the_assignment_shows_nothing_and_is_no_input(kernel):
    done = kernel.execute("%agentbay -o state")
    assert done.status == "ok"
    assert [each["msg_type"] for each in done.outputs if each["msg_type"] == "stream"] == []
    assert "json" not in kernel.execute("'\\n'.join(In)").value()


def test_a_wrong_name_touches_nothing(kernel):
    done = kernel.execute("%agentbay labels no=1 -o 'a b'")
    assert done.content["ename"] == "UsageError"
    assert "'no'" not in kernel.execute("%agentbay labels -o now\nnow").value()


def test_options_are_completed(kernel):
    code = "%agentbay labels --rem"
    reply = kernel.ask("complete_request", {"code": code, "cursor_pos": len(code)})
    assert reply.content["matches"] == ["--remove"]
