"""A small numpy float64 forward pass of mixtral and olmoe checkpoints, which records what the routers do.

Written for tests, independently of smelt: one sequence at a time, no batching, no cache, no sliding window.
"""

import json
import pathlib

import numpy as np

NAMES = {
    "mixtral": {"block": "block_sparse_moe", "gate": "w1", "up": "w3", "down": "w2", "experts": "num_local_experts"},
    "olmoe": {"block": "mlp", "gate": "gate_proj", "up": "up_proj", "down": "down_proj", "experts": "num_experts"},
}


def read_safetensors(path):
    """All tensors of one file as float64; F32, F16 and BF16 only."""
    data = pathlib.Path(path).read_bytes()
    header_size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + header_size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, info in header.items():
        begin, end = (8 + header_size + offset for offset in info["data_offsets"])
        raw = data[begin:end]
        if info["dtype"] == "BF16":
            values = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(raw, {"F32": "<f4", "F16": "<f2"}[info["dtype"]])
        tensors[name] = values.astype(np.float64).reshape(info["shape"])
    return tensors


def rms_norm(x, weight, eps):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps) * weight


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def rotate(x, theta):
    """Rotary embedding of x [T, heads, d], halves convention."""
    length, _, d = x.shape
    angle = np.arange(length)[:, None] * theta ** (-np.arange(0, d, 2) / d)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    a, b = x[..., : d // 2], x[..., d // 2 :]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


class Model:
    def __init__(self, directory):
        directory = pathlib.Path(directory)
        self.config = json.loads((directory / "config.json").read_text())
        self.names = NAMES[self.config["model_type"]]
        if self.config.get("sliding_window"):
            raise ValueError("sliding windows are not part of this reference")
        self.tensors = {}
        for shard in sorted(directory.glob("*.safetensors")):
            self.tensors.update(read_safetensors(shard))
        self.layers = self.config["num_hidden_layers"]
        self.experts = self.config[self.names["experts"]]
        self.top_k = self.config["num_experts_per_tok"]
        self.eps = self.config["rms_norm_eps"]

    def router(self, layer):
        return self.tensors[f"model.layers.{layer}.{self.names['block']}.gate.weight"]

    def expert(self, layer, expert):
        """The gate [m, h], up [m, h] and down [h, m] matrices."""
        prefix = f"model.layers.{layer}.{self.names['block']}.experts.{expert}."
        return tuple(self.tensors[prefix + self.names[part] + ".weight"] for part in ("gate", "up", "down"))

    def attention(self, x, prefix):
        t, c = self.tensors, self.config
        heads, kv_heads = c["num_attention_heads"], c["num_key_value_heads"]
        head = c.get("head_dim") or c["hidden_size"] // heads
        q, k, v = (x @ t[f"{prefix}{n}_proj.weight"].T for n in "qkv")
        if prefix + "q_norm.weight" in t:
            q, k = rms_norm(q, t[prefix + "q_norm.weight"], self.eps), rms_norm(k, t[prefix + "k_norm.weight"], self.eps)
        if c.get("clip_qkv") is not None:
            q, k, v = (np.clip(z, -c["clip_qkv"], c["clip_qkv"]) for z in (q, k, v))
        theta = (c.get("rope_parameters") or c)["rope_theta"]
        q = rotate(q.reshape(-1, heads, head), theta)
        k = rotate(k.reshape(-1, kv_heads, head), theta).repeat(heads // kv_heads, axis=1)
        v = v.reshape(-1, kv_heads, head).repeat(heads // kv_heads, axis=1)
        scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(head)
        scores = np.where(np.tril(np.ones(scores.shape[1:], bool)), scores, -np.inf)
        return np.einsum("hqk,khd->qhd", softmax(scores), v).reshape(len(x), -1) @ t[prefix + "o_proj.weight"].T

    def moe(self, x, layer):
        logits = x @ self.router(layer).T
        probabilities = softmax(logits)
        chosen = np.argsort(-probabilities, axis=-1, kind="stable")[:, : self.top_k]
        gates = np.take_along_axis(probabilities, chosen, axis=-1)
        if self.config["model_type"] == "mixtral" or self.config.get("norm_topk_prob"):
            gates = gates / gates.sum(axis=-1, keepdims=True)
        out = np.zeros_like(x)
        for e in range(self.experts):
            token, slot = np.nonzero(chosen == e)
            gate, up, down = self.expert(layer, e)
            a = x[token] @ gate.T
            out[token] += gates[token, slot][:, None] * ((a / (1 + np.exp(-a)) * (x[token] @ up.T)) @ down.T)
        return out, logits, chosen

    def forward(self, ids):
        """Logits [T, vocabulary], and per layer the router logits [T, E] and the chosen experts [T, k]."""
        h = self.tensors["model.embed_tokens.weight"][ids]
        routed = []
        for layer in range(self.layers):
            prefix = f"model.layers.{layer}."
            x = rms_norm(h, self.tensors[prefix + "input_layernorm.weight"], self.eps)
            h = h + self.attention(x, prefix + "self_attn.")
            x = rms_norm(h, self.tensors[prefix + "post_attention_layernorm.weight"], self.eps)
            y, logits, chosen = self.moe(x, layer)
            h = h + y
            routed.append((logits, chosen))
        head = self.tensors.get("lm_head.weight", self.tensors["model.embed_tokens.weight"])
        return rms_norm(h, self.tensors["model.norm.weight"], self.eps) @ head.T, routed
