import pytest

from agentbay_kernel.events import CellError, Stream
from agentbay_kernel.probes import LONGEST, Route, lasting, notebook_path, route


def silently(code):
    return route(code, silent=False, store_history=False, allow_stdin=True)


def test_a_cell_of_the_user_needs_a_session():
    assert route("1", silent=False, store_history=True, allow_stdin=True)[0] is Route.SESSION


def test_a_users_cell_with_a_probes_words_still_needs_a_session():
    code = "_VSCODE_foo = 1\nx.do_complete(1)"
    assert route(code, silent=False, store_history=True, allow_stdin=True)[0] is Route.SESSION


def test_a_real_cell_without_history_needs_a_session():
    assert route("1", silent=False, store_history=False, allow_stdin=False)[0] is Route.SESSION


def test_an_unknown_interactive_probe_only_uses_a_live_session():
    assert silently("1")[0] is Route.ALIVE


def test_silent_code_only_uses_a_live_session():
    assert route("1", silent=True, store_history=False, allow_stdin=False)[0] is Route.ALIVE


def test_an_empty_cell_runs_nowhere():
    assert route(" \n", silent=False, store_history=True, allow_stdin=True)[0] is Route.NOWHERE


def test_the_widgets_probe_is_answered_without_importing_them():
    where, answer = silently(
        'print("e976ee50-99ed-4aba-9b6b-9dcd5634d07d:IPyWidgets:" + _VSCODE_ipywidgets.__version__)'
    )
    assert where is Route.NOWHERE
    assert answer[0].text.startswith("e976ee50-99ed-4aba-9b6b-9dcd5634d07d:IPyWidgets:8.")


def test_the_variables_panel_sees_an_empty_list_before_a_session():
    assert silently('_VSCODE_getVariable("types", False, x)') == (
        Route.ALIVE,
        (Stream("stdout", "[]\n"),),
    )


@pytest.mark.parametrize(
    "call",
    ['_VSCODE_getVariable("info", False, df)', '_VSCODE_getDataFrame("rows", False, df, 0, 9)'],
)
def test_a_variable_has_no_name_before_a_session(call):
    where, (error,) = silently(call)
    assert where is Route.ALIVE
    assert isinstance(error, CellError)
    assert (error.ename, error.evalue) == ("NameError", "name 'df' is not defined")


def test_background_completion_runs_here():
    code = (
        "def __jupyter_exec_background__():\n    def do_implementation():\n"
        '        return get_ipython().kernel.do_complete("a", 1)\n'
    )
    assert silently(code)[0] is Route.LOCAL


@pytest.mark.parametrize("path", ["/home/a b/nb.ipynb", "C:\\\\nb.ipynb"])
def test_the_notebooks_path_is_taken_from_the_start_up_probe(path):
    found = notebook_path(f'__vsc_ipynb_file__ = "{path}"\n%config Completer.use_jedi = False')
    assert found == path.replace("\\\\", "\\")


PLOTS = """try:
    import matplotlib
    %matplotlib inline
    matplotlib.style.use('dark_background')
except:
    print('Failed to initialize matplotlib startup code. Matplotlib might be missing.')"""
SET_UP = """def __VSCODE_inject_module():
    pass
__VSCODE_inject_module()
__vsc_ipynb_file__ = "/home/u/nb.ipynb"
%config Completer.use_jedi = False
"""


def test_what_lasts_of_the_start_up_probe_is_taken_from_it():
    assert list(lasting(f"{SET_UP}{PLOTS}\n").values()) == [*SET_UP.splitlines()[3:], PLOTS]


def test_a_variable_inspectors_functions_last():
    code = "import json\n\n\ndef _jupyterlab_variableinspector_dict_list():\n    return '[]'\n"
    assert list(lasting(code).values()) == [code]


def test_a_variable_inspectors_last_settings_last():
    settings = [f"_jupyterlab_variableinspector_changesettings(maxitems={n})" for n in (1, 2)]
    assert list((lasting(settings[0]) | lasting(settings[1])).values()) == [settings[1]]


@pytest.mark.parametrize("code", ["x = 1", "import matplotlib", "#" * LONGEST + SET_UP])
def test_of_other_code_nothing_lasts(code):
    assert lasting(code) == {}


def test_a_tools_cell_that_sets_the_completer_is_a_real_cell():
    code = "%config Completer.use_jedi = False\nx = 1"
    assert route(code, silent=False, store_history=False, allow_stdin=False)[0] is Route.SESSION
