"""One Gaussian a class over vectors, and how far a text lies from the nearest of them.

Lee, Lee, Lee and Shin, "A Simple Unified Framework for Detecting Out-of-Distribution Samples and
Adversarial Attacks", 2018; relative to one Gaussian over everything, as Ren et al., "A Simple Fix to
Mahalanobis Distance for Improving Near-OOD Detection", 2021, have it. The shape that all classes
share is shrunk towards a ball (Ledoit and Wolf, "A well-conditioned estimator for large-dimensional
covariance matrices", 2004), so that few rows will do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST_VARIANCE = 1e-6
"""Of a direction, in which vectors of length 1 would otherwise not vary at all."""


@dataclass(frozen=True)
class Gaussians:
    """Gaussians of one shape.

    Attributes:
        means: (c, d), of the classes that have rows.
        precision: (d, d), inverse of the covariance within classes.
        centre: (d,), mean of all.
        whole: (d, d), inverse of the covariance of all.
    """

    means: np.ndarray
    precision: np.ndarray
    centre: np.ndarray
    whole: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray, codes: np.ndarray) -> Gaussians:
        """Fitted to vectors (n, d) of classes (n,)."""
        present, number, counts = np.unique(codes, return_inverse=True, return_counts=True)
        means = np.zeros((len(present), vectors.shape[1]), dtype=np.float64)
        np.add.at(means, number, vectors)
        means /= counts[:, None]
        centre = vectors.mean(axis=0, dtype=np.float64)
        return cls(means, _precision(vectors - means[number]), centre, _precision(vectors - centre))

    def nearness(self, vectors: np.ndarray) -> np.ndarray:
        """(n,) of vectors (n, d): how much nearer the nearest class is than everything together.

        Half the difference of squared Mahalanobis distances, for each dimension.
        """
        steered = self.means @ self.precision
        products = vectors @ self.precision
        to_classes = (
            (products * vectors).sum(axis=1)[:, None]
            - 2.0 * vectors @ steered.T
            + (steered * self.means).sum(axis=1)
        )
        away = vectors - self.centre
        to_all = ((away @ self.whole) * away).sum(axis=1)
        return np.asarray((to_all - to_classes.min(axis=1)) / (2.0 * vectors.shape[1]))


def _precision(residuals: np.ndarray) -> np.ndarray:
    from sklearn.covariance import ledoit_wolf

    covariance, _ = ledoit_wolf(residuals, assume_centered=True)
    return np.linalg.inv(covariance + LEAST_VARIANCE / len(covariance) * np.eye(len(covariance)))
