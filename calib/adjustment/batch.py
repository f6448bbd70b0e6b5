"""Draws of one adjustment as arrays: constraints, shares under caps, and their derivatives."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray

__all__ = ["Batch", "solve_each"]


@dataclass(frozen=True)
class Batch:
    """Draws of one adjustment: constraints a z <= b, equal z = value, and caps on shares.

    Parameters
    ----------
    start : (B, q) starting weights
    a, b : (B, r, q), (B, r) linear constraints
    equal, value : (B, e, q), (B, e)
    spans : the variables of each capped track
    cov : by capped track, (B, q_t, q_t) covariance of the scores of the variables' nodes
    under : by capped track, (c, q_t) which variables lie under each capped node
    cap : on variance shares
    """

    start: FloatArray
    a: FloatArray
    b: FloatArray
    equal: FloatArray
    value: FloatArray
    spans: tuple[slice, ...]
    cov: tuple[FloatArray, ...]
    under: tuple[FloatArray, ...]
    cap: float

    @property
    def linear(self) -> int:
        """Number of linear constraints r; those on the shares come after them."""
        return int(self.b.shape[1])

    def pick(self, which: BoolArray | IntArray) -> Batch:
        """Keep some draws."""
        return replace(
            self, start=self.start[which], a=self.a[which], b=self.b[which],
            equal=self.equal[which], value=self.value[which],
            cov=tuple(c[which] for c in self.cov),
        )  # fmt: skip

    def excess(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return by how much constraints are broken, (B, m), and the derivatives, (B, m, q)."""
        parts = [np.einsum("brq,bq->br", self.a, z) - self.b]
        slopes = [self.a]
        for span, cov, under in zip(self.spans, self.cov, self.under, strict=True):
            own = z[:, span]
            s = np.einsum("bij,bj->bi", cov, own)
            v = np.maximum(np.einsum("bi,bi->b", own, s), 1e-300)
            share = (own * s) @ under.T / v[:, None]
            parts.append(share - self.cap)
            rise = under * s[:, None, :] + (under * own[:, None, :]) @ cov
            slope = np.zeros((len(z), len(under), z.shape[1]))
            slope[:, :, span] = (rise - 2.0 * share[:, :, None] * s[:, None, :]) / v[:, None, None]
            slopes.append(slope)
        return np.concatenate(parts, axis=1), np.concatenate(slopes, axis=1)

    def curvature(self, z: FloatArray, price: FloatArray, slope: FloatArray) -> FloatArray:
        """Return the second derivatives of the Lagrangian, (B, q, q), from those of the excess."""
        out = np.tile(np.eye(z.shape[1]), (len(z), 1, 1))
        at = self.linear
        for span, cov, under in zip(self.spans, self.cov, self.under, strict=True):
            own, p = z[:, span], price[:, at : at + len(under)]
            s = np.einsum("bij,bj->bi", cov, own)
            v = np.maximum(np.einsum("bi,bi->b", own, s), 1e-300)
            share = (own * s) @ under.T / v[:, None]
            w = p @ under
            cross = np.einsum("bc,bcq->bq", p, slope[:, at : at + len(under), span])
            cross = cross[:, :, None] * s[:, None, :]
            form = w[:, :, None] * cov
            form = form + form.transpose(0, 2, 1)
            form -= 2.0 * np.einsum("bc,bc->b", p, share)[:, None, None] * cov
            form -= 2.0 * (cross + cross.transpose(0, 2, 1))
            out[:, span, span] += form / v[:, None, None]
            at += len(under)
        return out


def solve_each(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Solve a stack of linear systems, (B, n); NaN for those that are singular."""
    try:
        return np.asarray(np.linalg.solve(matrix, right[:, :, None])[:, :, 0])
    except np.linalg.LinAlgError:
        if len(matrix) == 1:
            return np.full_like(right, np.nan)
        half = len(matrix) // 2
        parts = ((matrix[:half], right[:half]), (matrix[half:], right[half:]))
        return np.concatenate([solve_each(*part) for part in parts])
