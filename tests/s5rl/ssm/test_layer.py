"""S5's mathematics against the dense, real state space that it stands for.

mutant                         | the test that failed: test_…
------------------------------ | ----------------------------------------
exp(.) - 1 for expm1           | short_steps_keep_their_digits
zoh gain is the step           | discretising_equals_the_dense_system
bilinear without its half      | discretising_equals_the_dense_system
the sign of Im(C)              | a_layer_equals_its_dense_state_space
B drawn in the eigenbasis      | a_layer_equals_its_dense_state_space
the mirrored half is not added | conjugate_symmetry_equals_the_full_...
steps do not reach dt_min      | it_starts_as_hippo_with_steps_in_range
LeCun of the wrong fan         | it_starts_as_hippo_with_steps_in_range
the decay is not exponentiated | every_state_decays_whatever_the_...
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import block_diag, expm

from s5rl import S5Config
from s5rl.ssm import layer as ssm
from s5rl.ssm.hippo import diagonalise_hippo, hippo_normal

N, H, T, B = 8, 3, 7, 2
CLOSE = {"rtol": 1e-4, "atol": 1e-5}  # float32


def dense_hippo(blocks):
    return block_diag(*[hippo_normal(N // blocks)] * blocks)


def dense_zoh(a, b, step):
    """The matrix exponential that defines zero-order hold, B included."""
    width = b.shape[1]
    held = np.block([[a, b], [np.zeros((width, len(a) + width))]])
    whole = expm(held * step)
    return whole[: len(a), : len(a)], whole[: len(a), len(a) :]


def dense_bilinear(a, b, step):
    backward = np.eye(len(a)) - a * step / 2
    return (
        np.linalg.solve(backward, np.eye(len(a)) + a * step / 2),
        np.linalg.solve(backward, b * step),
    )


DENSE = {"zoh": dense_zoh, "bilinear": dense_bilinear}


@pytest.mark.parametrize("method", DENSE)
@pytest.mark.parametrize("step", [1e-3, 0.1, 1.0])
def test_discretising_equals_the_dense_system(method, step):
    values, basis, inverse = diagonalise_hippo(N, blocks=1, conjugate_symmetry=False)
    b = np.random.default_rng(0).normal(size=(N, H))
    want_a, want_b = DENSE[method](hippo_normal(N), b, step)
    multiplier, gain = ssm.discretise(
        jnp.asarray(values, jnp.complex64),
        jnp.full(N, step, jnp.float32),
        discretization=method,
    )
    np.testing.assert_allclose(basis * np.array(multiplier) @ inverse, want_a, **CLOSE)
    got_b = basis * np.array(gain) @ inverse @ b
    np.testing.assert_allclose(got_b, want_b, rtol=1e-4, atol=1e-5 * step)


def test_short_steps_keep_their_digits():
    # To first order the gain of one step is the step itself.
    eigenvalue = jnp.asarray([-0.5 + 0.1j, -1e-2 + 0j], jnp.complex64)
    step = jnp.full(2, 1e-6)
    _, gain = ssm.discretise(eigenvalue, step)
    np.testing.assert_allclose(gain, np.full(2, 1e-6), rtol=2e-6)


def layer(keys, **options):
    """Parameters with one step size for all states, inputs, resets and states."""
    config = S5Config(state_size=N, **options)
    parameters = jax.jit(ssm.initialise, static_argnums=(1, 2))(next(keys), H, config)
    parameters["log_step"] = jnp.full(config.num_states, np.log(0.3), jnp.float32)
    rng = np.random.default_rng(1)
    u = rng.normal(size=(T, B, H)).astype(np.float32)
    reset = rng.random((T, B)) < 0.3
    return config, parameters, u, reset


@pytest.mark.thinned(6)
@pytest.mark.parametrize("discretization", DENSE)
@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize("halved", [True, False], ids=["conjugate", "full"])
def test_a_layer_equals_its_dense_state_space(keys, discretization, blocks, halved):
    """x'(t) = A x + B u, y = C x + D u with A HiPPO-N, in float64."""
    options = {"conjugate_symmetry": halved, "discretization": discretization}
    config, parameters, u, reset = layer(keys, blocks=blocks, **options)
    _, basis, inverse = diagonalise_hippo(N, blocks=blocks, conjugate_symmetry=halved)
    double = {k: np.asarray(v, np.float64) for k, v in parameters.items()}
    read_in = double["input_matrix"][0] + 1j * double["input_matrix"][1]
    read_out = double["output_matrix"][0] + 1j * double["output_matrix"][1]
    b, c = basis @ read_in.T, read_out.T @ inverse
    if halved:  # the other half are their conjugates
        b, c = 2 * b.real, 2 * c.real
    # They were drawn for the real system, so in its basis they are real.
    np.testing.assert_allclose(np.imag(b), 0, atol=1e-6)
    np.testing.assert_allclose(np.imag(c), 0, atol=1e-6)
    a_bar, b_bar = DENSE[discretization](dense_hippo(blocks), b.real, 0.3)

    real_state = np.random.default_rng(2).normal(size=(B, N))
    carry = jnp.asarray(real_state @ inverse.T, jnp.complex64)
    outputs = []
    for u_t, reset_t in zip(u, reset, strict=True):
        entering = np.where(reset_t[:, None], 0, real_state)
        real_state = entering @ a_bar.T + u_t @ b_bar.T
        outputs.append(real_state @ c.real.T + double["feedthrough"] * u_t)
    last, y = ssm.apply(parameters, carry, u, reset, config=config)
    np.testing.assert_allclose(y, np.stack(outputs), **CLOSE)
    last = np.array(last) @ basis.T
    last = 2 * last.real if halved else last
    np.testing.assert_allclose(last, real_state, **CLOSE)


def test_conjugate_symmetry_equals_the_full_size_system(keys):
    """The other half of the states, written out, changes no output."""
    config, parameters, u, reset = layer(keys)
    # Steps may differ between pairs; within a pair they are one.
    parameters["log_step"] = jnp.log(jnp.linspace(0.1, 0.9, N // 2))
    mirror = jnp.array([1, -1], jnp.float32)[:, None, None]
    signs = {
        "eigenvalue_frequency": -1,
        "input_matrix": mirror,
        "output_matrix": mirror,
    }
    axes = {"input_matrix": 2, "output_matrix": 1}
    full = {
        k: jnp.concatenate([v, signs.get(k, 1) * v], axis=axes.get(k, 0))
        for k, v in parameters.items()
        if k != "feedthrough"
    }
    full["feedthrough"] = parameters["feedthrough"]
    carry = jnp.asarray(np.random.default_rng(4).normal(size=(B, N // 2)) * (1 + 2j))
    both = jnp.concatenate([carry, carry.conj()], axis=1)
    last, y = ssm.apply(parameters, carry, u, reset, config=config)
    config = S5Config(state_size=N, conjugate_symmetry=False)
    full_last, full_y = ssm.apply(full, both, u, reset, config=config)
    np.testing.assert_allclose(y, full_y, **CLOSE)
    np.testing.assert_allclose(
        jnp.concatenate([last, last.conj()], 1), full_last, **CLOSE
    )


def test_it_starts_as_hippo_with_steps_in_range(keys):
    config = S5Config(state_size=64, blocks=2, dt_min=1e-2, dt_max=1e-1)
    parameters = ssm.initialise(next(keys), 16, config)
    values, basis, inverse = diagonalise_hippo(64, blocks=2, conjugate_symmetry=True)
    np.testing.assert_allclose(ssm.eigenvalues(parameters), values, rtol=1e-6)
    # LeCun: the dense B [64, 16] and C [16, 64] have variance 1 / fan-in; 1024 draws.
    read_in, read_out = (
        np.array(parameters[k][0]) + 1j * np.array(parameters[k][1])
        for k in ("input_matrix", "output_matrix")
    )
    dense_b, dense_c = 2 * (basis @ read_in.T).real, 2 * (read_out.T @ inverse).real
    np.testing.assert_allclose(dense_b.var() * 16, 1, atol=0.15)
    np.testing.assert_allclose(dense_c.var() * 64, 1, atol=0.15)
    step = np.exp(parameters["log_step"])
    assert step.min() >= 0.99e-2 and step.max() <= 1.01e-1
    assert step.min() < 2e-2 and step.max() > 5e-2  # log-uniform over all of it
    assert all(leaf.dtype == jnp.float32 for leaf in parameters.values())


@pytest.mark.parametrize("discretization", DENSE)
def test_every_state_decays_whatever_the_parameters(discretization):
    decay = jnp.array([-1e3, -100, -10, 0, 10, 80], jnp.float32)
    parameters = {
        "eigenvalue_decay": decay,
        "eigenvalue_frequency": jnp.array([0, 1e3, -1e3, 0, 1e3, 0], jnp.float32),
        "log_step": jnp.full(6, np.log(1e-2), jnp.float32),
    }

    def discretised(parameters):
        steps = jnp.exp(parameters["log_step"])
        eigenvalue = ssm.eigenvalues(parameters)
        return ssm.discretise(eigenvalue, steps, discretization=discretization)

    assert (ssm.eigenvalues(parameters).real <= -ssm.MIN_DECAY).all()
    multiplier, gain = discretised(parameters)
    assert (jnp.abs(multiplier) <= 1 + 1e-6).all() and jnp.isfinite(gain).all()
    bars = jax.grad(lambda p: jnp.sum(jnp.abs(sum(discretised(p)))))(parameters)
    assert all(jnp.isfinite(bar).all() for bar in bars.values())
    # Far beyond anything that learning reaches, it still decays.
    parameters["eigenvalue_decay"] = jnp.full(6, 1e3)
    assert (ssm.eigenvalues(parameters).real < 0).all()


@pytest.mark.parametrize("batch", [1, 2, 5, 8, 9, 20])
def test_a_drive_is_the_same_however_it_is_multiplied(batch):
    """Few rows, no more than the matrix has, and more."""
    rng = np.random.default_rng(batch)
    u, matrix, gain = (rng.normal(size=s) for s in [(1, batch, 8), (2, 8, N), (2, N)])
    want = (gain[0] + 1j * gain[1]) * (u @ (matrix[0] + 1j * matrix[1]))
    drive = ssm._driven(*(jnp.asarray(x, jnp.float32) for x in (u, matrix, gain)))
    np.testing.assert_allclose(drive[:, :, 0], want.real, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(drive[:, :, 1], want.imag, rtol=1e-5, atol=1e-5)
