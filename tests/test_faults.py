"""A few faults of `make faults`: commands that are killed at a rename end as if nothing had happened."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from faults.__main__ import Campaign, at_rename, crowded, undisturbed
from faults.server import Server
from faults.world import COMMANDS, make

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="commands are forked")
BY_NAME = {command.name: command for command in COMMANDS}


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    out = tmp_path_factory.mktemp("faults")
    with Server() as server:
        made = Campaign(out, server, seed=0)
        make(made.world, server)
        yield made


@pytest.mark.parametrize(("name", "at_end"), [(name, n % 2 == 1) for n, name in enumerate(BY_NAME)])
def test_a_killed_command_resumes_without_a_trace(campaign, name, at_end):
    """Killed before a rename in the middle, or after the last one."""
    command = BY_NAME[name]
    usual = undisturbed(campaign, command, runs=1)
    number = usual.renames if at_end else 1 + usual.renames // 2
    left = at_rename(campaign, command, usual, number, at_end)
    assert left.kills == 1
    assert left.good, (number, left)


@pytest.mark.parametrize("name", ["labels import", "extract", "export"])
def test_several_writers_of_one_folder_lose_nothing(campaign, name):
    command = BY_NAME[name]
    crowded(campaign, command, undisturbed(campaign, command, runs=1), 1)
    rounds = [each for each in campaign.rounds.values() if each.command == name]
    assert len(rounds) == 5
    assert not [each for each in rounds if not each.good]
