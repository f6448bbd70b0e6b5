"""Caps on variance shares as functions of the weights, with their derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray

__all__ = ["ShareCap"]


@dataclass(frozen=True, slots=True)
class ShareCap:
    """Caps on the variance shares of nodes in one track.

    Parameters
    ----------
    forms : (c, q, q) symmetric, z' forms[j] z = numerator of node j's share
    cov : (q, q) z' cov z = variance of the total
    caps : (c,) highest share of each
    labels : (c,)
    """

    forms: FloatArray
    cov: FloatArray
    caps: FloatArray
    labels: tuple[str, ...]

    def shares(self, z: FloatArray) -> FloatArray:
        """Return the shares of the nodes, (c,); 0 where the total does not vary."""
        v = float(z @ self.cov @ z)
        top = np.asarray((self.forms @ z) @ z, dtype=float)
        return top / v if v > 0 else np.zeros_like(top)

    def jacobian(self, z: FloatArray) -> FloatArray:
        """Return the derivatives of the shares, (c, q).

        Notes
        -----
        dC_j/dz = 2 (F_j z - C_j Σz) / z'Σz.
        """
        sz = self.cov @ z
        v = float(z @ sz)
        if v <= 0:
            return np.zeros((len(self.caps), len(z)))
        return np.asarray(2.0 * (self.forms @ z - self.shares(z)[:, None] * sz) / v)

    def hessian(self, z: FloatArray, price: FloatArray) -> FloatArray:
        """Return Σ_j price_j ∇²C_j, (q, q)."""
        sz = self.cov @ z
        v = float(z @ sz)
        if v <= 0:
            return np.zeros((len(z), len(z)))
        share, jac = self.shares(z), self.jacobian(z)
        cross = np.outer(price @ jac, sz)
        out = 2.0 * (np.einsum("c,cij->ij", price, self.forms) - (price @ share) * self.cov)
        return np.asarray((out - 2.0 * (cross + cross.T)) / v)
