"""Maps of feature vectors, against scikit-learn and properties."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from evaluation.metrics.maps import neighbour_map, principal_map


def groups(rng, *, sizes, apart):
    """Normal clouds in 20 dimensions, each about a corner of its own."""
    return np.concatenate(
        [rng.normal(size=(n, 20)) + apart * np.eye(20)[i] for i, n in enumerate(sizes)]
    )


def test_principal_places_are_scikit_learns():
    vectors = groups(np.random.default_rng(0), sizes=(30, 20), apart=9)
    found = principal_map(vectors)
    theirs = PCA(2, svd_solver="full").fit(vectors)
    assert found.explains == pytest.approx(theirs.explained_variance_ratio_)
    assert np.abs(found.places) == pytest.approx(np.abs(theirs.transform(vectors)))


def test_equal_and_single_vectors_have_a_place_and_no_variance():
    for vectors in (np.ones((4, 3)), np.ones((1, 3)), np.ones((12, 1))):
        found = principal_map(vectors)
        assert found.explains == (0.0, 0.0)
        assert not found.places.any()
        assert neighbour_map(vectors) is None


def test_neighbours_stay_neighbours_and_groups_part():
    vectors = groups(np.random.default_rng(1), sizes=(40, 40, 40), apart=12)
    found = neighbour_map(vectors)
    assert found.perplexity == 30
    assert trustworthiness(vectors, found.places, n_neighbors=10) > 0.85
    middles = found.places.reshape(3, 40, 2).mean(axis=1)
    nearest = np.linalg.norm(found.places[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == np.repeat(np.arange(3), 40)).all()
    assert np.array_equal(found.places, neighbour_map(vectors).places), "the same again"


@pytest.mark.parametrize("count", [9, 10, 31])
def test_perplexity_is_bounded_by_the_number_of_pictures(count):
    found = neighbour_map(np.random.default_rng(2).normal(size=(count, 1)))
    if count < 10:
        assert found is None
    else:
        assert found.perplexity == (count - 1) / 3
        assert found.places.shape == (count, 2)
        assert np.isfinite(found.places).all()
