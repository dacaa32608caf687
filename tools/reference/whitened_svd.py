"""Reference numbers for the truncated, whitened singular value decomposition, with NumPy in float64.

usage: whitened_svd.py > compress/src/test/resources/whitened_svd.json
Weight and inputs come from a generator that the test repeats: entry k of a matrix is sin(a * (k + 1)) + cos(b * k * k).
"""

import json

import numpy as np

ROWS, COLUMNS, TOKENS, RANK, RIDGE = 12, 9, 40, 4, 1e-6


def matrix(rows, columns, a, b):
    k = np.arange(rows * columns, dtype=np.float64)
    return (np.sin(a * (k + 1)) + np.cos(b * k * k)).reshape(rows, columns)


def main():
    weight, inputs = matrix(ROWS, COLUMNS, 0.7, 0.013), matrix(TOKENS, COLUMNS, 1.1, 0.029)
    gram = inputs.T @ inputs
    ridged = gram + RIDGE * np.mean(np.diag(gram)) * np.eye(COLUMNS)
    lower = np.linalg.cholesky(ridged)
    u, values, vt = np.linalg.svd(weight @ lower, full_matrices=False)
    product = (u[:, :RANK] * values[:RANK]) @ np.linalg.solve(lower.T, vt[:RANK].T).T
    error = np.linalg.norm((weight - product) @ inputs.T) ** 2
    plain = np.linalg.svd(weight, full_matrices=False)
    print(
        json.dumps(
            {
                "cholesky": lower.ravel().tolist(),
                "values": values.tolist(),
                "plainValues": plain[1].tolist(),
                "product": product.ravel().tolist(),
                "error": error,
                "dropped": float(np.sum(values[RANK:] ** 2)),
            }
        )
    )


if __name__ == "__main__":
    main()
