from agentbay_kernel.identity import identify, is_reserved


def test_the_kernel_id_in_the_connection_files_name_is_the_key():
    path = "/run/jupyter/kernel-0f1e2d3c-0000-4000-8000-123456789abc.json"
    assert identify(path).key == "kernel:0f1e2d3c-0000-4000-8000-123456789abc"


def test_another_connection_file_that_survives_a_restart_is_the_key():
    assert identify("/tmp/abc.json").key == identify("/tmp/abc.json").key


def test_vs_codes_file_is_new_each_time_so_the_notebook_is_the_key():
    identity = identify("/x/kernel-v31c0ffee0123456789.json")
    first = identity.key
    identity.notebook = "/home/u/nb.ipynb"
    assert identity.key == "notebook:/home/u/nb.ipynb"
    assert first.startswith("process:")


def test_the_reserved_labels_hold_no_path_and_no_host_name(monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "my-laptop")
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/secret-project/nb.ipynb")
    labels = identify("").labels()
    assert labels["agentbay-kernel.notebook"] == "nb.ipynb"
    assert "my-laptop" not in labels.values()
    assert all(is_reserved(key) for key in labels)
