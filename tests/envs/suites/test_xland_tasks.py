"""Hidden tasks of XLand: drawn at each reset, from a part that no other part shares.

Mutants, and the test that fails for each:

    repeated rulesets kept                       count_once
    split not shuffled                           shuffled_files
    shuffled by a key of the default kind        hang_on_the_process
    test is train                                share_nothing
    always the first ruleset                     every_task_is_drawn
    EOFError not caught                          cut_short
"""

import urllib.error
import urllib.request

import jax
import numpy as np
import pytest

import envs
from tests.envs.suites import rulesets

benchmarks = pytest.importorskip("xminigrid.benchmarks", reason="needs the extra xland")

pytestmark = [
    pytest.mark.suites,
    pytest.mark.lenient,  # the suite promotes ranks in its own code
    pytest.mark.usefixtures("quick_compilation"),
]

NAME = "xland/XLand-MiniGrid-R1-9x9"
SIZES = {"train": 32, "test": 8, "all": 40}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return str(rulesets.write(tmp_path_factory.mktemp("benchmark") / "own"))


def tasks(params):
    return rulesets.as_set(params.tasks.goals, params.tasks.rules)


def split_in(path, fraction=0.8):
    return {
        split: tasks(
            envs.make(NAME, benchmark_path=path, split=split, train_fraction=fraction)[
                1
            ]
        )
        for split in SIZES
    }


@pytest.mark.parametrize("fraction", [0.8, 0.5])
def test_train_and_test_share_nothing_and_miss_nothing(path, fraction):
    parts = split_in(path, fraction)
    assert not parts["train"] & parts["test"]
    assert parts["train"] | parts["test"] == parts["all"]
    assert len(parts["all"]) == 40 and len(parts["train"]) == round(40 * fraction)
    whole = rulesets.encoded()
    assert parts["all"] == rulesets.as_set(whole["goals"], whole["rules"])


def test_repeated_rulesets_count_once(path):
    for split, size in SIZES.items():
        _, params = envs.make(NAME, benchmark_path=path, split=split)
        assert params.tasks.num_rulesets() == size == len(tasks(params))


def test_the_split_is_the_shuffled_files(path):
    """Which ruleset is where, by the suite's own functions, on the file's own order."""
    whole = benchmarks.load_benchmark_from_path(path)
    once = jax.tree.map(lambda x: x[: -rulesets.REPEATED], whole)
    train, _ = once.shuffle(jax.random.key(0)).split(0.8)
    _, params = envs.make(NAME, benchmark_path=path)
    jax.tree.map(np.testing.assert_array_equal, params.tasks, train)


def test_the_split_does_not_hang_on_the_process(path):
    first = split_in(path)
    with jax.default_prng_impl("rbg"):
        assert split_in(path) == first


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_reset_draws_from_its_split_and_every_task_is_drawn(path, split):
    env, params = envs.make(
        NAME, benchmark_path=path, split=split, max_steps_in_episode=4
    )

    def episodes(key):
        _, state = env.reset(key, params)

        def body(state, key):
            _, after, _, terminated, truncated, _ = env.step(key, state, 1, params)
            shown = [
                (s.inner.state.goal_encoding, s.inner.state.rule_encoding)
                for s in (state, after)
            ]
            return after, (*shown, terminated | truncated)

        return jax.lax.scan(body, state, jax.random.split(key, 12))[1]

    keys = jax.random.split(jax.random.key(0), 100)
    before, after, ended = jax.jit(jax.vmap(episodes))(keys)
    flat = [x.reshape(-1, *x.shape[2:]) for x in after]
    drawn = rulesets.as_set(*flat)
    assert drawn == split_in(path)[split]
    # Within an episode the task stays; after one it is usually another.
    same = np.all(
        [
            (np.asarray(x) == np.asarray(y)).reshape(*ended.shape, -1).all(-1)
            for x, y in zip(before, after, strict=True)
        ],
        axis=0,
    )
    ended = np.asarray(ended)
    assert same[~ended].all() and ended.sum() >= 300
    assert abs(same[ended].mean() - 1 / SIZES[split]) < 0.06


def test_the_task_is_not_shown_unless_asked_for(path):
    env, params = envs.make(NAME, benchmark_path=path)
    obs, state = env.reset(jax.random.key(0), params)
    np.testing.assert_array_equal(obs.shape, (5, 5, 2))
    env, params = envs.make(NAME, benchmark_path=path, show_task=True)
    shown, _ = env.reset(jax.random.key(0), params)
    np.testing.assert_array_equal(shown["img"], obs)
    np.testing.assert_array_equal(
        shown["goal_encoding"], state.inner.state.goal_encoding
    )


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({}, "needs tasks.*trivial-21k.*got neither"),
        (dict(benchmark="small-1m", benchmark_path="x"), "got both"),
        (dict(benchmark="small"), "did you mean 'small-1m'"),
        (dict(benchmark_path="x", split="valid"), "unknown split 'valid'"),
        (dict(benchmark_path="x", train_fraction="a"), "must be float; got 'a'"),
        (dict(benchmark_path="no/such/file"), "benchmark_path=no/such/file.*bz2"),
    ],
)
def test_what_cannot_work_is_refused(chosen, said):
    with pytest.raises(ValueError, match=said):
        envs.make(NAME, **chosen)


@pytest.mark.parametrize("fraction", [0.0, 1.0, 1.5, 0.001])
def test_an_empty_part_is_refused(path, fraction):
    with pytest.raises(ValueError, match=f"train_fraction .{fraction}. leaves"):
        envs.make(NAME, benchmark_path=path, train_fraction=fraction)


@pytest.mark.parametrize("content", [b"", b"no pickle", "half", "other"])
def test_a_file_that_is_no_benchmark_is_refused(path, tmp_path, content):
    broken = tmp_path / "broken"
    if content == "half":
        whole = open(path, "rb").read()
        content = whole[: len(whole) // 2]
    if content == "other":
        benchmarks.save_bz2_pickle([1, 2], str(broken))
    else:
        broken.write_bytes(content)
    with pytest.raises(ValueError, match="must be a benchmark of XLand-MiniGrid"):
        envs.make(NAME, benchmark_path=str(broken))


def test_a_download_that_fails_says_which_file_is_wanted(tmp_path, monkeypatch):
    def refuse(url, *args, **kwargs):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(urllib.request, "urlretrieve", refuse)
    monkeypatch.setattr(benchmarks, "DATA_PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"small_1m_v3.*no route.*benchmark_path=FILE"):
        envs.make(NAME, benchmark="small-1m")


def test_a_download_that_was_cut_short_says_so_too(tmp_path, monkeypatch, path):
    monkeypatch.setattr(benchmarks, "DATA_PATH", str(tmp_path))
    whole = open(path, "rb").read()
    (tmp_path / "small_1m_v3").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"small_1m_v3.*not whole"):
        envs.make(NAME, benchmark="small-1m")


def test_a_file_in_the_suites_folder_needs_no_download(tmp_path, monkeypatch, path):
    monkeypatch.setattr(benchmarks, "DATA_PATH", str(tmp_path))
    (tmp_path / "small_1m_v3").write_bytes(open(path, "rb").read())
    _, by_name = envs.make(NAME, benchmark="small-1m", split="test")
    assert tasks(by_name) == split_in(path)["test"]
