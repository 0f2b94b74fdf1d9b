"""What S5 may start as: each against its dense system, and LegS against its theorem.

mutant                                     | the test that failed: test_…
------------------------------------------ | --------------------------------------
eigenvalues are repeated, blocks are not   | the_basis_rebuilds_the_dense_matrix
a lone eigenvalue counts twice             | the_basis_rebuilds_the_dense_matrix
S4D-Inv's frequencies are not moved        | the_basis_rebuilds_the_dense_matrix
Fourier's constant counts as the others    | frequencies_and_fourier_by_hand
E is twice as large as it is said to be    | the_basis_rebuilds_the_dense_matrix
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import block_diag, expm

from s5rl import S5Config
from s5rl.ssm import bases
from s5rl.ssm import layer as ssm
from s5rl.ssm.hippo import diagonalise_hippo, hippo_legs, hippo_normal

H, T, B = 3, 12, 2
EPSILON = 3e-4
KINDS = [
    *(("legs_ptd", False), ("s4d_lin", True), ("s4d_lin", False)),
    *(("s4d_inv", True), ("s4d_inv", False), ("fourier", True), ("fourier", False)),
]


def turning(frequencies):
    """Pairs of states, each a decaying rotation."""
    return block_diag(*[[[-0.5, f], [-f, -0.5]] for f in frequencies])


def fourier_by_hand():
    """Four states: cosine and (dead) sine of frequency 0, cosine and sine of 1."""
    r = np.sqrt(2)
    return np.array([
        [-1, 0, -r, 0], [0, 0, 0, 0], [-r, 0, -2, -np.pi], [0, 0, np.pi, 0]
    ])  # fmt: skip


def dense(init, size):
    """One block of the state matrix that `init` names, up to legs_ptd's E."""
    if init == "legs_ptd":
        return hippo_legs(size)
    if init == "s4d_lin":
        return turning([np.pi * n for n in range(size // 2)])
    if init == "s4d_inv":
        ratios = [size / (2 * n + 1) for n in range(size // 2)]
        return turning([size / np.pi * (ratio - 1) for ratio in ratios])
    return bases.fourier(size)


def rebuilt(found, halved):
    values, basis, inverse = found
    whole = basis * values @ inverse
    return 2 * whole.real if halved else whole


def basis_of(init, halved, size=8, blocks=2):
    options = {"blocks": blocks, "halved": halved, "epsilon": EPSILON}
    return bases.diagonalise(init, size, **options)


@pytest.mark.parametrize("size", [4, 6, 32])
@pytest.mark.parametrize(("init", "halved"), KINDS)
def test_the_basis_rebuilds_the_dense_matrix(init, halved, size):
    """legs_ptd up to an E of the size that was said; all of them stable."""
    found = basis_of(init, halved, size=2 * size)
    got, want = rebuilt(found, halved), block_diag(*[dense(init, size)] * 2)
    error = np.linalg.norm(got - want, 2) / np.linalg.norm(want, 2)
    small = EPSILON if init == "legs_ptd" else 0
    np.testing.assert_allclose(error, small, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(got.imag, 0, atol=1e-8)
    assert found[0].real.max() < -0.3
    config = S5Config(
        state_size=2 * size, blocks=2, init=init, conjugate_symmetry=halved
    )
    assert len(found[0]) == config.num_states


def test_frequencies_and_fourier_by_hand():
    np.testing.assert_allclose(bases.fourier(4), fourier_by_hand(), atol=1e-12)
    lin, inv = (bases.s4d_frequencies(f"s4d_{kind}", 64) for kind in ("lin", "inv"))
    np.testing.assert_allclose(lin[:3], [0, np.pi, 2 * np.pi])
    # S4D-Inv stands within a quarter of HiPPO-N.
    normal, *_ = diagonalise_hippo(64, blocks=1, conjugate_symmetry=True)
    ratio = np.sort(inv) / np.sort(np.abs(normal.imag))
    assert ratio.min() > 0.75 and ratio.max() < 1.25


@pytest.mark.thinned(6)
@pytest.mark.parametrize(("init", "halved"), KINDS)
def test_a_layer_starts_as_its_dense_system(keys, init, halved):
    """With steps as drawn: of legs_ptd one a block, of the others one for all here."""
    config = S5Config(
        state_size=8, blocks=2, init=init, conjugate_symmetry=halved, dt_min=0.02
    )
    parameters = ssm.initialise(next(keys), H, config)
    if init != "legs_ptd":
        parameters["log_step"] = jnp.full(config.num_states, np.log(0.3), jnp.float32)
    double = {k: np.asarray(v, np.float64) for k, v in parameters.items()}
    steps = np.exp(double["log_step"][:2])
    assert init != "legs_ptd" or (len(double["log_step"]) == 2 and steps[0] != steps[1])
    found = basis_of(init, halved)
    read_in, read_out = (
        double[key][0] + 1j * double[key][1]
        for key in ("input_matrix", "output_matrix")
    )
    b, c = found[1] @ read_in.T, read_out.T @ found[2]
    if halved:
        b, c = 2 * b.real, 2 * c.real
    # They were drawn for the real system.
    np.testing.assert_allclose([b.imag, c.T.imag], 0, atol=1e-5)
    perturbed = rebuilt(found, halved).real  # LegS + E, by the test above
    matrix = perturbed if init == "legs_ptd" else block_diag(*[dense(init, 4)] * 2)

    a_bar, b_bar = held(matrix, b.real, np.repeat(steps, 4))
    rng = np.random.default_rng(1)
    u = rng.normal(size=(T, B, H)).astype(np.float32)
    reset = rng.random((T, B)) < 0.2
    state, want = np.zeros((B, 8)), []
    for u_t, reset_t in zip(u, reset, strict=True):
        state = np.where(reset_t[:, None], 0, state) @ a_bar.T + u_t @ b_bar.T
        want.append(state @ c.real.T + double["feedthrough"] * u_t)
    carry = jnp.zeros((B, config.num_states), jnp.complex64)
    _, y = ssm.apply(parameters, carry, u, reset, config=config)
    np.testing.assert_allclose(y, np.stack(want), rtol=1e-4, atol=1e-4)


def held(a, b, step):
    """Zero-order hold over a step of its own for each state: (Ā, B̄)."""
    size, width = b.shape
    grown = np.zeros((size + width,) * 2)
    grown[:size] = step[:, None] * np.concatenate([a, b], axis=1)
    whole = expm(grown)
    return whole[:size, :size], whole[:size, size:]


def legs_column(size):
    """[N] HiPPO's own read-in."""
    return np.sqrt(2 * np.arange(size) + 1)


def response(system, column, frequencies):
    """[F, N] (iω - A)⁻¹ B of a dense system."""
    shifted = 1j * frequencies[:, None, None] * np.eye(len(system)) - system
    columns = np.broadcast_to(column[:, None], (len(frequencies), len(column), 1))
    return np.linalg.solve(shifted, columns)[..., 0]


def distance(system, column):
    """The greatest distance to LegS' transfer function, HiPPO-N's peaks looked at."""
    size = len(column)
    normal, *_ = diagonalise_hippo(size, blocks=1, conjugate_symmetry=True)
    grid = np.concatenate([np.geomspace(1e-2, 1e4, 500), np.abs(normal.imag)])
    legs = response(hippo_legs(size), legs_column(size), grid)
    return np.linalg.norm(response(system, column, grid) - legs, axis=1).max()


@pytest.mark.parametrize("size", [8, 16, 32])
def test_ptd_is_as_near_to_legs_as_its_perturbation_is_small(size):
    """Yu et al., 2024: first order in E, uniformly over frequencies."""
    legs = hippo_legs(size)
    drawn = np.random.default_rng(0).normal(size=(size, size))
    drawn *= 1e-4 * np.linalg.norm(legs, 2) / np.linalg.norm(drawn, 2)
    found = []
    for scale in (1, 0.1, 0.01):
        values, basis, inverse = bases.perturb_then_diagonalise(legs, scale * drawn)
        system = basis * values @ inverse
        error = np.linalg.norm(system - legs - scale * drawn, 2)
        assert error / np.linalg.norm(legs, 2) < 1e-8
        assert values.real.max() < 0
        found.append(distance(system, legs_column(size)))
    ratios = np.array(found[:-1]) / found[1:]
    assert (ratios > 9.5).all() and (ratios < 10.5).all(), found


def test_the_plain_diagonal_does_not_converge_to_legs():
    """HiPPO-N is farther from LegS than nothing is, and a larger one is no nearer."""
    sizes = [8, 16, 32, 64]
    plain = [distance(hippo_normal(n), legs_column(n) / 2) for n in sizes]
    nothing = [distance(hippo_legs(n), 0 * legs_column(n)) for n in sizes]
    ours = [
        distance(rebuilt(basis_of("legs_ptd", False, n, 1), False), legs_column(n))
        for n in sizes
    ]
    assert (np.diff(plain) > 0).all() and plain[0] > 4
    np.testing.assert_allclose(nothing, 1, atol=0.01)
    assert max(ours) < 0.2


SIZE, STEP, LONG = 8, 2e-3, 5000


def state_under(init, frequencies):
    """[F] RMS of the dense state under a wave of each frequency, run by the layer.

    The layer reads HiPPO's own column, halved for HiPPO-N as its limit has it, and
    returns the dense state. After 8 units of time, of 10, what is left is the wave;
    its sine and its cosine are two lanes, so that parts of a cycle count alike.
    """
    config = S5Config(state_size=SIZE, init=init)
    _, basis, inverse = basis_of(init, config.halved, SIZE, 1)
    column = np.zeros((SIZE, SIZE))
    column[:, 0] = legs_column(SIZE) / (2 if init == "hippo_n" else 1)
    parameters = ssm.initialise(jax.random.key(0), SIZE, config) | {
        "input_matrix": parts((inverse @ column).T),
        "output_matrix": parts(basis.T),
        "feedthrough": jnp.zeros(SIZE),
        "log_step": jnp.full(config.num_step_sizes, np.log(STEP), jnp.float32),
    }
    angles = STEP * np.arange(LONG)[:, None] * frequencies
    u = np.zeros((LONG, 2 * len(frequencies), SIZE), np.float32)
    u[..., 0] = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    carry = jnp.zeros((u.shape[1], config.num_states), jnp.complex64)
    reset = jnp.zeros(u.shape[:2], bool)
    _, x = ssm.apply(parameters, carry, u, reset, config=config)
    power = (np.asarray(x)[4 * LONG // 5 :] ** 2).sum(-1).mean(0)
    return np.sqrt(power.reshape(2, -1).mean(0))


def parts(matrix):
    return jnp.asarray(np.stack([matrix.real, matrix.imag]), jnp.float32)


@pytest.mark.slow
def test_ptd_is_deaf_to_fourier_noise_that_hippo_n_rings_with():
    """A sine at each of HiPPO-N's own frequencies, of amplitude 1.

    LegS' state under it is the response of its transfer function, 1 / √2 at most.
    """
    normal, *_ = diagonalise_hippo(SIZE, blocks=1, conjugate_symmetry=True)
    frequencies = np.abs(normal.imag)
    legs = response(hippo_legs(SIZE), legs_column(SIZE), frequencies)
    legs = np.linalg.norm(legs, axis=1) / np.sqrt(2)
    ringing, deaf = (state_under(init, frequencies) for init in ("hippo_n", "legs_ptd"))
    np.testing.assert_allclose(deaf, legs, rtol=0.02)
    assert (ringing > 1.5 * legs).any()
