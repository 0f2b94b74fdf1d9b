"""What is asked of a card, in order of value. Asks nothing of a device itself."""

from benchmarks.gpu.question import Question
from s5rl.recurrence import METHODS

# Kinds of commands that XLA may put into a graph, by default and with loops as well.
GRAPHS = {
    "default": "",
    "none": "--xla_gpu_enable_command_buffer=",
    "loops": "--xla_gpu_enable_command_buffer=FUSION,CUBLAS,CUBLASLT,CUSTOM_CALL,CUDNN,"
    "CONDITIONAL,WHILE",
}
_SLOW = ("auto", "sequential")  # once is enough; minutes an update on a card
CORES = (
    *("s5", "gru", "lstm", "mlp", "lru", "mamba", "gated_deltanet", "mlstm"),
    *("window_attention", "hybrid"),
)
TESTS = (
    "tests/s5rl/recurrence",
    "tests/s5rl/ssm",
    "tests/agents/ppo/test_replay.py",
    "tests/agents/ppo/test_advantages.py",
)
PRESETS = (
    *("memory_chain", "meta_cartpole", "popgym_repeat_previous_hard", "dark_room"),
    *("meta_bandit", "projected_control"),
)
# As `benchmarks.gpu.ways` has them, which needs JAX.
WAYS = ("chunks", "select", "any")
ENVIRONMENTS = (
    *("projected_control", "meta_cartpole", "popgym_higher_lower_easy"),
    *("popgym_battleship_easy", "popgym_labyrinth_escape_easy", "dark_room"),
)
# (lanes, minibatches) of memory_chain, to correct its preset by.
LANES = ((2048, 8), (8192, 8), (8192, 16), (16384, 32))

_TINY = ("core.features=4", "core.state_size=4", "core.num_layers=1",
         "agent.num_envs=4", "agent.num_minibatches=2", "agent.epochs=1",
         "agent.encoder_sizes=[4]", "agent.head_sizes=[]")  # fmt: skip


def questions(*, tiny: bool = False) -> list[Question]:
    """All of them; `tiny` asks one of each kind, at sizes for a test on a CPU."""
    return [*_laws(tiny), *_paper(tiny), *_methods(tiny), *_presets(tiny),
            *_rollouts(tiny), *_environments(tiny)]  # fmt: skip


def _laws(tiny: bool) -> list[Question]:
    yes = Question(
        "runs", "benchmarks.gpu.laws:it_runs", {"size": 64 if tiny else 8192}
    )
    methods = ("sequential",) if tiny else METHODS
    recurrence = [
        Question(f"laws/recurrence/{method}", "benchmarks.gpu.laws:recurrence",
                 {"method": method})
        for method in methods
    ]  # fmt: skip
    groups = [("mlp",)] if tiny else [CORES[:5], CORES[5:]]
    cores = [
        Question(
            f"laws/cores/{names[0]}", "benchmarks.gpu.laws:cores", {"names": names}
        )
        for names in groups
    ]
    agents = [
        Question(
            f"laws/ratio/{core}", "benchmarks.gpu.laws:first_ratio", {"core": core}
        )
        for core in (() if tiny else ("s5", "gru"))
    ]
    tests = Question(
        "laws/tests",
        "benchmarks.gpu.laws:tests",
        {"paths": ["tests/s5rl/test_config.py"] if tiny else TESTS},
        {"JAX_DEFAULT_MATMUL_PRECISION": "highest"},
    )
    return [yes, *recurrence, *cores, *agents, tests]


def _paper(tiny: bool) -> list[Question]:
    sizes = {"length": 1024, "batch": 64, "features": 256, "states": 256}
    sizes |= {"epochs": 30, "minibatches": 8}
    if tiny:
        sizes = dict.fromkeys(sizes, 2) | {"layers": 1}
    asks = "benchmarks.gpu.training:paper_setting"
    s5 = [
        Question(f"paper/s5/{method}", asks, {"core": "s5", "method": method, **sizes})
        for method in (
            () if tiny else ("auto", *(m for m in METHODS if m not in _SLOW))
        )
    ]
    few = {"core": "mlp" if tiny else "gru", "repeat": 1, "fit": False}
    return [*s5[:1], Question("paper/gru", asks, few | sizes), *s5[1:]]


def _methods(tiny: bool) -> list[Question]:
    sizes = [[1024, 64, 128], [1024, 64, 256], [4096, 64, 128], [16384, 8, 128],
             [1024, 8, 128]]  # fmt: skip
    found = []
    for method in ("sequential",) if tiny else (*METHODS, "textbook"):
        # A step at a time, of 37 ms and more: one size tells enough.
        chosen = [[8, 2, 4]] if tiny else sizes[:1] if method == "sequential" else sizes
        arguments = {"method": method, "sizes": chosen, "calls": 1 if tiny else 20}
        arguments["copied"] = 2**12 if tiny else 2**28
        asks = "benchmarks.gpu.methods:beside_the_floor"
        found.append(Question(f"recurrence/{method}", asks, arguments))
    return found


def _presets(tiny: bool) -> list[Question]:
    asks, found = "benchmarks.gpu.training:preset", []
    if tiny:
        few = ["env.memory_length=3", "total_steps=100", *_TINY]
        return [Question("presets/memory_chain", asks, {"arguments": few})]
    for env in PRESETS:
        arguments = [f"env={env}", "scale=gpu"]
        found.append(Question(f"presets/{env}", asks, {"arguments": arguments}))
    for lanes, minibatches in LANES:
        arguments = ["scale=gpu", f"agent.num_envs={lanes}"]
        arguments += [f"agent.num_minibatches={minibatches}"]
        name = f"presets/memory_chain/{lanes}x{minibatches}"
        found.append(Question(name, asks, {"arguments": arguments}))
    found.append(Question("presets/none", asks, {"arguments": ["env=memory_chain"]}))
    return found


def _rollouts(tiny: bool) -> list[Question]:
    asks, found = "benchmarks.gpu.rollout:launches", []
    cases = {"memory_chain": ["env=memory_chain", "scale=gpu"],
             "meta_cartpole": ["env=meta_cartpole", "scale=gpu"]}  # fmt: skip
    if tiny:
        cases = {"memory_chain": ["env.memory_length=6", *_TINY]}
    for graphs in ("default",) if tiny else GRAPHS:
        environment = {"XLA_FLAGS": GRAPHS[graphs]} if GRAPHS[graphs] else {}
        for name, arguments in cases.items():
            asked = {"arguments": arguments}
            found.append(
                Question(f"launches/{name}/{graphs}", asks, asked, environment)
            )
    return found


def _environments(tiny: bool) -> list[Question]:
    sizes = {"num_envs": 1024, "length": 256}
    names = ENVIRONMENTS
    if tiny:
        names, sizes = ("dark_room",), {"num_envs": 4, "length": 3}
    return [
        Question(
            f"environments/{name}/{way}",
            "benchmarks.gpu.ways:timed",
            {"name": name, "way": way, **sizes},
        )
        for name in names
        for way in (("select",) if tiny else ("chosen", *WAYS))
    ]
