"""The state matrices that an S5 layer may start as, each in its eigenbasis.

    A = V Λ V⁻¹,   B̃ = V⁻¹ B,   C̃ = C V

A is real and block-diagonal, a block repeated. Of each conjugate pair of eigenvalues
one is enough where no eigenvalue stands alone, or where one that does counts half:
then A = 2 Re(V Λ V⁻¹). In NumPy and double precision, kept for each size that is asked
for: never worked out while a program that uses it is traced again.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from s5rl.ssm.hippo import diagonalise_hippo, hippo_legs

Basis = tuple[NDArray, NDArray, NDArray]  # Λ [P], V [N, P] and V⁻¹ [P, N]

DRAWS = 16  # perturbations that are tried
SLOWEST = -0.3  # no eigenvalue may decay more slowly; LegS' own slowest is -1


@lru_cache(maxsize=16)
def diagonalise(
    init: str, state_size: int, *, blocks: int, halved: bool, epsilon: float
) -> Basis:
    """The eigenvalues and the basis of a layer's state matrix at initialisation.

    Args:
      init: as `S5Config.init` names it.
      state_size: N, of all blocks together.
      blocks: J, which divides N.
      halved: keep one of each conjugate pair, that with Im <= 0.
      epsilon: of "legs_ptd", the size of its perturbation.

    Returns:
      `(Λ, V, V⁻¹)`: [P] complex, [N, P] and [P, N]. With all states kept, V Λ V⁻¹ is
      the state matrix; halved, twice its real part is. All callers get the same arrays,
      which cannot be written to.

    Raises:
      ValueError: if no stable perturbation of that size was found.
    """
    if init == "hippo_n":
        return diagonalise_hippo(state_size, blocks=blocks, conjugate_symmetry=halved)
    size = state_size // blocks
    if init == "legs_ptd":
        values, vectors, inverse = perturbed_legs(size, epsilon)
    elif init == "fourier":
        values, vectors, inverse = _fourier_basis(size, halved=halved)
    else:
        values, vectors, inverse = _rotations(s4d_frequencies(init, size), halved)
    along = np.eye(blocks)
    values = np.tile(values, blocks)
    vectors, inverse = np.kron(along, vectors), np.kron(along, inverse)
    for array in (values, vectors, inverse):
        array.setflags(write=False)
    return values, vectors, inverse


def s4d_frequencies(init: str, size: int) -> NDArray:
    """[N / 2] |Im Λ| of S4D-Lin or S4D-Inv (Gu et al., 2022, equations 8 and 9).

    "s4d_lin" is πn, the normal part of the truncated Fourier basis. "s4d_inv" is
    (N/π)(N/(2n + 1) - 1), near to the frequencies of HiPPO-N. Re Λ is -1/2 in both.
    """
    n = np.arange(size // 2)
    if init == "s4d_lin":
        return np.pi * n
    return size / np.pi * (size / (2 * n + 1) - 1)


def fourier(size: int) -> NDArray:
    """[N, N] HiPPO-FouT: the past as coefficients of Fourier modes (Gu et al., 2020).

    State 2k is the cosine of frequency k, state 2k + 1 its sine, both of them turned
    into each other by πk; each step the newest input is added to all cosines, and what
    the coefficients say of the oldest is taken away: A = πF - b bᵀ, b = (1, 0, √2, 0,
    √2, 0, …). The sine of frequency 0, state 1, is dead: its row and column are zero.
    """
    turning = np.kron(np.diag(np.arange(size // 2)), [[0, -1], [1, 0]])
    cosines = np.sqrt(2) * (np.arange(size) % 2 == 0)
    cosines[0] = 1
    return np.pi * turning - np.outer(cosines, cosines)


def perturb_then_diagonalise(matrix: NDArray, perturbation: NDArray) -> Basis:
    """Diagonalises A + E, where A alone cannot be (Yu et al., 2024).

    The transfer function moves by O(‖E‖), uniformly over frequencies. Dropping a
    low-rank part of A, as HiPPO-N does, moves it most at HiPPO-N's own frequencies,
    and no less as N grows.

    Returns:
      `(Λ, V, V⁻¹)` with V Λ V⁻¹ = A + E; V is not unitary.
    """
    values, vectors = np.linalg.eig(matrix + perturbation)
    return values, vectors, np.linalg.inv(vectors)


def perturbed_legs(size: int, epsilon: float) -> Basis:
    """HiPPO-LegS + E, ‖E‖₂ = epsilon ‖LegS‖₂: the best conditioned of some draws of E.

    E belongs to the size and not to a layer or a seed: it buys a basis that single
    precision can carry, so it is drawn from a seed of its own and kept, as HiPPO-N's
    basis is. Drawn from a layer's key it would be decomposed whenever one is traced.
    """
    rng, matrix = np.random.default_rng(size), hippo_legs(size)
    best, least = None, np.inf
    for _ in range(DRAWS):
        drawn = rng.normal(size=(size, size))
        drawn *= epsilon * np.linalg.norm(matrix, 2) / np.linalg.norm(drawn, 2)
        found = perturb_then_diagonalise(matrix, drawn)
        condition = np.linalg.cond(found[1])
        if np.real(found[0]).max() < SLOWEST and condition < least:
            best, least = found, condition
    if best is None:
        raise ValueError(
            f"init legs_ptd found no stable perturbation of epsilon ({epsilon}) in "
            f"blocks of {size} states; make epsilon smaller or blocks more."
        )
    return best


def _fourier_basis(size: int, *, halved: bool) -> Basis:
    """Without the dead state: N - 1 eigenvalues, of which one is real and alone."""
    alive = np.delete(np.arange(size), 1)
    matrix = fourier(size)[np.ix_(alive, alive)]
    values, vectors = np.linalg.eig(matrix)
    inverse = np.linalg.inv(vectors)
    if halved:
        # Twice the real part would count the lone one twice: half of it is read.
        vectors = np.where(np.imag(values) == 0, 0.5, 1) * vectors
        keep = np.imag(values) <= 0
        values, vectors, inverse = values[keep], vectors[:, keep], inverse[keep]
    values = values.astype(complex)
    wide = np.zeros((size, len(values)), complex)
    tall = np.zeros((len(values), size), complex)
    wide[alive], tall[:, alive] = vectors, inverse
    return values, wide, tall


def _rotations(frequencies: NDArray, halved: bool) -> Basis:
    """Pairs of real states that turn at a frequency each and decay at 1/2."""
    values = -0.5 - 1j * frequencies
    vectors = np.kron(np.eye(len(values)), np.array([[1], [-1j]]) / np.sqrt(2))
    if not halved:
        values = np.concatenate([values, values.conj()])
        vectors = np.concatenate([vectors, vectors.conj()], axis=1)
    return values, vectors, vectors.conj().T
