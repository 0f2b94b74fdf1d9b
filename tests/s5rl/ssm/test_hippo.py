"""HiPPO matrices and their eigenvalues, against dense linear algebra.

mutant                           | the test that failed: test_…
-------------------------------- | ----------------------------------------
LegS: diagonal one too large     | legs_by_hand
rank-one term sqrt(n + 1)        | normal_part_is_minus_a_half_plus_a_...
eigenvalues with Im > 0 are kept | eigenvalues_equal_a_dense_decomposition
blocks' eigenvalues interleaved  | the_basis_rebuilds_the_matrix
the inverse is not conjugated    | the_basis_rebuilds_the_matrix
nothing is kept                  | it_is_worked_out_once_for_each_size
the number of blocks is no key   | it_is_worked_out_once_for_each_size
the arrays can be written to     | nobody_writes_to_what_all_share
"""

from unittest import mock

import numpy as np
import pytest

from s5rl.ssm.hippo import diagonalise_hippo, hippo_legs, hippo_normal

EXACT = {"rtol": 0, "atol": 1e-10}  # float64


def blocks_of(matrix, count):
    return np.kron(np.eye(count), matrix)


def test_legs_by_hand():
    # A[n, k] = -sqrt((2n + 1)(2k + 1)) below the diagonal, -(n + 1) on it.
    by_hand = [
        [-1, 0, 0],
        [-np.sqrt(3), -2, 0],
        [-np.sqrt(5), -np.sqrt(15), -3],
    ]
    np.testing.assert_allclose(hippo_legs(3), by_hand, **EXACT)


def test_normal_part_is_minus_a_half_plus_a_skew_matrix():
    normal = hippo_normal(12)
    skew = normal + np.eye(12) / 2
    np.testing.assert_allclose(skew, -skew.T, **EXACT)
    np.testing.assert_allclose(normal @ normal.T, normal.T @ normal, **EXACT)
    # And it differs from LegS by a symmetric matrix of rank one.
    difference = normal - hippo_legs(12)
    np.testing.assert_allclose(difference, difference.T, **EXACT)
    assert np.linalg.matrix_rank(difference) == 1


@pytest.mark.parametrize(("size", "blocks"), [(6, 1), (32, 1), (12, 3)])
def test_eigenvalues_equal_a_dense_decomposition(size, blocks):
    dense = blocks_of(hippo_normal(size // blocks), blocks)
    want = np.linalg.eigvals(dense)
    got, _, _ = diagonalise_hippo(size, blocks=blocks, conjugate_symmetry=False)
    np.testing.assert_allclose(np.sort(got.imag), np.sort(want.imag), atol=1e-9)
    np.testing.assert_allclose(got.real, want.real, atol=1e-9)
    half, _, _ = diagonalise_hippo(size, blocks=blocks, conjugate_symmetry=True)
    assert len(half) == size // 2 and np.all(half.imag < 0)
    both = np.concatenate([half, half.conj()])
    np.testing.assert_allclose(np.sort(both.imag), np.sort(want.imag), atol=1e-9)


@pytest.mark.parametrize("blocks", [1, 2])
def test_the_basis_rebuilds_the_matrix(blocks):
    dense = blocks_of(hippo_normal(8 // blocks), blocks)
    values, basis, inverse = diagonalise_hippo(
        8, blocks=blocks, conjugate_symmetry=False
    )
    np.testing.assert_allclose(basis * values @ inverse, dense, **EXACT)
    np.testing.assert_allclose(inverse @ basis, np.eye(8), **EXACT)
    # Of a real matrix, half of the pairs is enough.
    values, basis, inverse = diagonalise_hippo(
        8, blocks=blocks, conjugate_symmetry=True
    )
    np.testing.assert_allclose(2 * (basis * values @ inverse).real, dense, **EXACT)


def test_it_is_worked_out_once_for_each_size():
    diagonalise_hippo.cache_clear()
    sizes = [
        (12, 1, True), (12, 1, False), (12, 2, True), (12, 3, True), (24, 1, True)
    ]  # fmt: skip
    with mock.patch.object(np.linalg, "eigh", wraps=np.linalg.eigh) as eigh:
        for _ in range(2):
            for size, blocks, halved in sizes:
                values, *_ = diagonalise_hippo(
                    size, blocks=blocks, conjugate_symmetry=halved
                )
                assert len(values) == (size // 2 if halved else size)
    assert eigh.call_count == len(sizes)


def test_nobody_writes_to_what_all_share():
    for array in diagonalise_hippo(12, blocks=2, conjugate_symmetry=True):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
