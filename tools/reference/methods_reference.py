"""REAM, HC-SMoE, MergeMoE and the criteria for dropping in numpy float64, and the goldens of the Java implementation.

Written from the papers' formulas (arXiv 2604.04356, 2410.08589, 2510.14436, 2510.13999), independently of smelt. All tokens are
sampled, and gate values are those that the model applies.

usage: methods_reference.py MODEL CALIBRATION.json KEPT OUTPUT.safetensors
"""

import json
import sys

import numpy as np
from moe_forward import Model, softmax
from msmoe_reference import cosine, group, merge_weights
from safetensors.numpy import save_file
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

GROUP_SIZE = 16
RIDGE = 0.01
MERGED_LAYERS = (0, 3)


class Recorder(Model):
    """Keeps what enters the experts of each layer, and what the routers decide."""

    def moe(self, x, layer):
        out, logits, chosen = super().moe(x, layer)
        gates = np.take_along_axis(softmax(logits), chosen, axis=-1)
        if self.config["model_type"] == "mixtral" or self.config.get("norm_topk_prob"):
            gates = gates / gates.sum(axis=-1, keepdims=True)
        self.seen.setdefault(layer, []).append((x, logits, chosen, gates))
        return out, logits, chosen

    def record(self, ids):
        self.seen = {}
        for sequence in ids:
            self.forward(sequence)
        return {layer: [np.concatenate(parts) for parts in zip(*pieces)] for layer, pieces in self.seen.items()}


def hidden(x, expert):
    """What enters the down projection."""
    a = x @ expert[0].T
    return a / (1 + np.exp(-a)) * (x @ expert[1].T)


class Layer:
    """A layer's experts and what they do on all tokens."""

    def __init__(self, model, layer, recorded):
        self.x, self.logits, chosen, gates = recorded
        self.experts = [model.expert(layer, e) for e in range(model.experts)]
        self.hidden = [hidden(self.x, expert) for expert in self.experts]
        self.outputs = np.stack([z @ expert[2].T for z, expert in zip(self.hidden, self.experts)])
        self.top_k = chosen.shape[1]
        self.gates = np.zeros_like(self.logits)
        np.put_along_axis(self.gates, chosen, gates, axis=1)
        self.routed = np.zeros(self.logits.shape, bool)
        np.put_along_axis(self.routed, chosen, True, axis=1)
        self.counts = self.routed.sum(axis=0)
        self.norms = np.linalg.norm(self.outputs, axis=-1).T

    def mean_where_routed(self, values):
        total = np.where(self.routed, values, 0).sum(axis=0)
        return np.divide(total, self.counts, out=np.zeros_like(total), where=self.counts > 0)


def worth(layer):
    """Every criterion for dropping; what is worth most stays."""
    gated = layer.gates * layer.norms
    weights = [np.concatenate([matrix.ravel() for matrix in expert]) for expert in layer.experts]
    return {
        "contribution": (gated**2).sum(axis=0),
        "reap": layer.mean_where_routed(gated),
        "frequency": layer.counts / layer.counts.sum(),
        "gate-sum": layer.gates.sum(axis=0),
        "ean": np.where(layer.routed, layer.norms, 0).sum(axis=0),
        "aimer": np.array([-np.abs(w).mean() / np.sqrt((w**2).mean()) for w in weights]),
    }


def averaged(members, shares):
    return [sum(share * member[part] for share, member in zip(shares, members)) for part in range(3)]


# ---- REAM


def ream_paper(layer):
    """Saliency (equation 3) and similarity (equations 5, 7, 8)."""
    saliency = layer.mean_where_routed(layer.gates * layer.norms)
    units = layer.outputs / np.linalg.norm(layer.outputs, axis=-1, keepdims=True)
    outputs = np.einsum("ith,jth->ij", units, units) / units.shape[1]
    return saliency, cosine(layer.logits.T @ layer.logits) + outputs


def ream_released(layer):
    """The same as the authors' code computes them."""
    sigma = softmax(layer.logits)
    saliency = layer.mean_where_routed(sigma**2 * layer.norms)
    saliency[saliency == 0] = min(0.5, saliency[saliency > 0].min())
    means = np.einsum("te,eth->eh", sigma, layer.outputs)
    unit = layer.logits / np.linalg.norm(layer.logits, axis=0)
    distance = cdist(unit.T, unit.T)
    return saliency, ((cosine(means @ means.T) + 1) / 2 + 1 - distance / distance.max()) / 2


def pseudo_prune(saliency, similarity, kept, absorbed):
    """For each expert the centroid that it joins."""
    order = np.argsort(-saliency, kind="stable")
    joined = np.full(len(saliency), -1)
    joined[order[:kept]] = order[:kept]
    for centroid in order[:kept]:
        free = np.flatnonzero(joined < 0)
        joined[free[np.argsort(-similarity[centroid, free], kind="stable")[:absorbed]]] = centroid
    assert (joined >= 0).all()
    return joined


def unit_rows(matrix):
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def ream_permutation(layer, centroid, member):
    """For each neuron of the centroid that of the member, by distances of weights and of activations."""
    rows = [unit_rows(np.concatenate([gate, up, down.T], axis=1)) for gate, up, down in (layer.experts[centroid], layer.experts[member])]
    active = [unit_rows(layer.hidden[e].T) for e in (centroid, member)]
    cost = cdist(*rows) + cdist(*active)
    best = linear_sum_assignment(cost)[1]
    identity = np.arange(len(cost))
    return identity if cost[identity, identity].sum() <= cost[identity, best].sum() else best


def ream(layer, kept, variant):
    saliency, similarity = ream_paper(layer) if variant == "paper" else ream_released(layer)
    joined = pseudo_prune(saliency, similarity, kept, GROUP_SIZE if variant == "paper" else GROUP_SIZE - 1)
    permutations, merged = {}, []
    for centroid in np.unique(joined):
        members = np.flatnonzero(joined == centroid)
        experts = []
        for e in members:
            gate, up, down = layer.experts[e]
            if e != centroid:
                permutations[e] = order = ream_permutation(layer, centroid, e)
                gate, up, down = gate[order], up[order], down[:, order]
            experts.append((gate, up, down))
        merged.append(averaged(experts, saliency[members] / saliency[members].sum()))
    return joined, merged, permutations


# ---- HC-SMoE


def hc_smoe(layer, kept, method):
    means = layer.outputs.mean(axis=1)
    cluster = fcluster(linkage(means, method=method, metric="euclidean"), kept, criterion="maxclust")
    joined = np.zeros(len(means), int)
    for c in np.unique(cluster):
        members = np.flatnonzero(cluster == c)
        joined[members] = members[np.argmax(layer.counts[members])]
    merged = []
    for centre in np.unique(joined):
        members = np.flatnonzero(joined == centre)
        shares = layer.counts[members] / layer.counts[members].sum() if layer.counts[members].sum() else np.full(len(members), 1 / len(members))
        merged.append(averaged([layer.experts[e] for e in members], shares))
    return joined, merged, {}


# ---- MergeMoE


def merge_moe(layer, kept):
    vectors = np.stack([np.concatenate([gate.ravel(), up.ravel()]) for gate, up, _ in layer.experts])
    dominant, position = group(layer.counts, cosine(vectors @ vectors.T), kept)
    shares = merge_weights(layer.counts, position, kept)
    merged = []
    for g in range(kept):
        members = np.flatnonzero(position == g)
        average = averaged([layer.experts[e] for e in members], shares[members])
        if len(members) > 1:
            p = hidden(layer.x, average)
            wanted = sum(shares[e] * layer.outputs[e] for e in members)
            gram = p.T @ p
            gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
            average[2] = average[2] + np.linalg.solve(gram, p.T @ (wanted - p @ average[2].T)).T
        merged.append(average)
    return dominant[position], merged, {}


# ---- goldens


def save(tensors, name, index, joined, merged, permutations):
    tensors[f"{name}.{index}.joined"] = joined.astype(np.int32)
    for member, order in permutations.items():
        tensors[f"{name}.{index}.permutation.{member}"] = order.astype(np.int32)
    for part, matrices in zip(("gate", "up", "down"), map(np.stack, zip(*merged))):
        tensors[f"{name}.{index}.{part}.rows"] = matrices.sum(axis=2).astype(np.float32)
        tensors[f"{name}.{index}.{part}.columns"] = matrices.sum(axis=1).astype(np.float32)


def main():
    directory, calibration, kept, output = sys.argv[1:]
    kept = int(kept)
    model = Recorder(directory)
    recorded = model.record(np.array(json.loads(open(calibration).read())["ids"]))
    tensors = {}
    for index in range(model.layers):
        layer = Layer(model, index, recorded[index])
        for name, values in worth(layer).items():
            tensors[f"drop.{index}.{name}"] = values
            tensors[f"kept.{index}.{name}"] = np.sort(np.argsort(-values, kind="stable")[:kept]).astype(np.int32)
        if index not in MERGED_LAYERS:
            continue
        save(tensors, "ream", index, *ream(layer, kept, "paper"))
        save(tensors, "ream-released", index, *ream(layer, kept, "released"))
        for method in ("average", "single", "complete"):
            save(tensors, "hc-smoe-" + method, index, *hc_smoe(layer, kept, method))
        save(tensors, "merge-moe", index, *merge_moe(layer, kept))
    save_file(tensors, output)


if __name__ == "__main__":
    main()
