import os
from pathlib import Path

from agentbay_kernel.service import brake


def group_tree(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(brake, "ROOTS", (tmp_path,))


def test_the_processes_are_put_into_a_group_with_a_bound(tmp_path, monkeypatch):
    group_tree(tmp_path, monkeypatch)
    group = brake.put_on("1-2", [77], 10)
    assert (group / "pids.max").read_text() == "80"
    assert (group / "cgroup.procs").read_text() == "77"


def test_an_ordinary_user_gets_none(tmp_path, monkeypatch):
    group_tree(tmp_path, monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert brake.put_on("1-2", [77], 10) is None


def test_without_a_limit_there_is_none(tmp_path, monkeypatch):
    group_tree(tmp_path, monkeypatch)
    assert brake.put_on("1-2", [77], 0) is None


def test_a_tree_that_cannot_be_written_is_no_error(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(brake, "ROOTS", (Path("/proc/none"),))
    assert brake.put_on("1-2", [77], 10) is None


def test_empty_groups_that_others_left_are_removed(tmp_path, monkeypatch):
    group_tree(tmp_path, monkeypatch)
    (tmp_path / "agentbay-kernel-9-9").mkdir()
    brake.put_on("1-2", [], 10)
    assert not (tmp_path / "agentbay-kernel-9-9").exists()
