"""HiPPO matrices, by which a state space remembers the past as Legendre coefficients.

Computed in NumPy and double precision, once for each size that is asked for: never
while a program that uses them is traced again.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def hippo_legs(size: int) -> NDArray:
    """[N, N] HiPPO-LegS (Gu et al., 2020): optimal, and not stably diagonalisable."""
    root = np.sqrt(1 + 2 * np.arange(size))
    matrix = np.tril(np.outer(root, root)) - np.diag(np.arange(size))
    return -matrix


def hippo_normal(size: int) -> NDArray:
    """[N, N] HiPPO-N: the normal part of HiPPO-LegS (Smith et al., 2023, section 4.2).

    LegS = N - p p^T with p[n] = sqrt(n + 1/2). Being -I/2 plus a skew-symmetric matrix,
    N has a unitary eigenbasis and all its eigenvalues on the line Re = -1/2.
    """
    low_rank = np.sqrt(np.arange(size) + 0.5)
    return hippo_legs(size) + np.outer(low_rank, low_rank)


@lru_cache(maxsize=16)
def diagonalise_hippo(
    state_size: int, *, blocks: int, conjugate_symmetry: bool
) -> tuple[NDArray, NDArray, NDArray]:
    """Diagonalises `blocks` copies of HiPPO-N laid on a diagonal.

    Args:
      state_size: N, of all blocks together.
      blocks: J, which divides N.
      conjugate_symmetry: keep the eigenvalue with Im < 0 of each conjugate pair. A real
        system's other half is its mirror image (section 4.4 of S5's appendix B.1).

    Returns:
      `(eigenvalues, basis, inverse)`: [P] complex, [N, P] and [P, N]. With all states
      kept, `basis @ diag(eigenvalues) @ inverse` is the block-diagonal matrix. All
      callers get the same arrays, which cannot be written to.
    """
    normal = hippo_normal(state_size // blocks)
    # N + I/2 is skew-symmetric, so -i times it is Hermitian, and eigh gives an
    # orthonormal basis where eig would not.
    imaginary, vectors = np.linalg.eigh(-1j * (normal + np.eye(len(normal)) / 2))
    if conjugate_symmetry:
        keep = len(normal) // 2  # eigh sorts, so the negative half comes first
        imaginary, vectors = imaginary[:keep], vectors[:, :keep]
    eigenvalues = np.tile(-0.5 + 1j * imaginary, blocks)
    basis = np.kron(np.eye(blocks), vectors)
    found = eigenvalues, basis, basis.conj().T
    for array in found:
        array.setflags(write=False)
    return found
