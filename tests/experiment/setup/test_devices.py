"""Where learners lie on so many devices, and what cannot be.

Mutants, and the test that fails for each:

    lanes come before learners                           learners_come_first
    lanes of a minibatch are not the same of each block  blocks_divide
    blocks follow the devices that are there             goes_on
    mesh.envs counts as nothing that a run computes      is_part_of_a_run
"""

import dataclasses
import itertools

import pytest

from experiment.errors import InputError
from experiment.run import mesh, unchanged
from experiment.setup import config as run_config
from experiment.setup import devices
from experiment.setup.devices import Layout, MeshConfig

SIZES = dict(num_seeds=4, num_envs=32, num_minibatches=4)


@pytest.mark.parametrize(
    "available, sizes, wanted",
    [
        (1, {}, (1, 1, 1)),
        (2, {}, (2, 1, 1)),
        (3, {}, (2, 1, 1)),  # of three devices, two divide four learners
        (4, {}, (4, 1, 1)),
        (8, {}, (4, 2, 2)),
        (64, {}, (4, 8, 8)),  # a block has 4 lanes, one for each minibatch
        (8, dict(num_seeds=1), (1, 8, 8)),
        (8, dict(num_seeds=3), (3, 2, 2)),
        (8, dict(num_seeds=1, num_minibatches=32), (1, 1, 1)),
        (5, dict(num_seeds=1, num_envs=20, num_minibatches=4), (1, 5, 5)),
        (4, dict(num_seeds=1, num_envs=20, num_minibatches=4), (1, 1, 1)),
    ],
)
def test_learners_come_first_and_lanes_share_what_is_left(available, sizes, wanted):
    found = devices.layout(MeshConfig(), available, **{**SIZES, **sizes})
    assert found == Layout(*wanted)


def test_blocks_divide_lanes_and_devices():
    """Whatever there is, every part is whole, and no device is asked for twice."""
    cases = itertools.product((1, 2, 3, 4, 6, 7, 8), (1, 2, 3, 5), (8, 12), (1, 2, 4))
    for available, num_seeds, num_envs, minibatches in cases:
        sizes = dict(
            num_seeds=num_seeds, num_envs=num_envs, num_minibatches=minibatches
        )
        found = devices.layout(MeshConfig(), available, **sizes)
        assert found.devices <= available
        assert num_seeds % found.seeds == 0 and found.blocks % found.envs == 0
        assert num_envs % (found.blocks * minibatches) == 0
        devices.check(MeshConfig(found.seeds, found.blocks), **sizes)


@pytest.mark.parametrize("available, envs", [(1, 1), (2, 2), (3, 3), (4, 3), (6, 6)])
def test_a_run_goes_on_with_any_number_of_devices(available, envs):
    mesh = MeshConfig(envs=6)
    sizes = dict(num_seeds=1, num_envs=12, num_minibatches=2)
    assert devices.layout(mesh, available, **sizes) == Layout(1, envs, 6)


def test_how_lanes_are_cut_is_part_of_a_run(make_config):
    """Where they lie is not."""
    config = make_config("devices=1")
    settled, layout = mesh.settled(config)
    assert settled.mesh == MeshConfig(None, 1) and layout == Layout(1, 1, 1)
    stored = unchanged.plain(settled)
    elsewhere = make_config("devices=7", "mesh.seeds=2", "mesh.envs=1")
    assert unchanged.changes(stored, elsewhere) == []
    cut = dataclasses.replace(settled, mesh=MeshConfig(envs=2))
    assert unchanged.changes(stored, cut) == ["mesh.envs was 1 and is 2"]


def test_runs_from_before_have_one_block(make_config):
    stored = run_config.dump(make_config("devices=1"))
    del stored["mesh"], stored["devices"]
    assert run_config.load(stored, stored=True).mesh == MeshConfig(None, 1)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["devices=0"], "devices must be all, or at least 1; got 0."),
        (["devices=many"], "devices must be all, or at least 1; got 'many'."),
        (["mesh.seeds=0"], "mesh.seeds must be at least 1; got 0."),
        (["mesh.lanes=2"], "unknown key mesh.lanes"),
        (["mesh=2"], "mesh is set by part, as in mesh.envs=2; got mesh=2."),
        (
            ["mesh.seeds=3"],
            "num_seeds (2) must be a multiple of mesh.seeds (3): as many learners lie "
            "on each device.",
        ),
        (
            ["mesh.envs=4"],
            "agent.num_envs (4) must be a multiple of mesh.envs (4) times "
            "agent.num_minibatches (2): a minibatch has as many lanes of each block.",
        ),
    ],
)
def test_a_mesh_that_cannot_be_is_refused(make_config, arguments, said):
    with pytest.raises(InputError) as refused:
        make_config(*arguments)
    assert str(refused.value).startswith(said)


def test_devices_that_are_not_there_are_refused(make_config):
    with pytest.raises(InputError, match="devices=2 asks for more than there are: 1"):
        mesh.settled(make_config("devices=2"))
    with pytest.raises(InputError, match=r"mesh.seeds \(2\) must not be more than"):
        mesh.settled(make_config("mesh.seeds=2"))
