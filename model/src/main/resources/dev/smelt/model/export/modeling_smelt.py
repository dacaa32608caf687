"""Loads checkpoints whose experts smelt has stored in compact form, with trust_remote_code=True.

Every class of transformers whose name follows `Smelt`, such as SmeltQwen3MoeForCausalLM, is the stock class with other
experts: a matrix is the sum of what is stored of it, which `smelt` in config.json says for every layer:

  full           the matrix itself
  u, v           two factors: u @ v
  kept, index    some neurons of it: rows of gate and up, columns of down
  base_...       what all experts of the layer share

Rows of the router may share an expert (`map`), and layers may have different numbers of experts and of rows.
"""

import torch
import torch.nn.functional as F
import transformers
from torch import nn

MATRICES = ("gate", "up", "down")
IDENTITY = -1  # choices of a router that return their input
COUNTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


class CompactMatrix(nn.Module):
    """A matrix [rows, columns] as the sum of its parts."""

    def __init__(self, rows, columns, rank, kept, neurons_are_rows, bias):
        super().__init__()
        self.rows, self.neurons_are_rows = rows, neurons_are_rows
        shapes = {"full": (rows, columns) if rank < 0 else None}
        shapes["u"], shapes["v"] = ((rows, rank), (rank, columns)) if rank > 0 else (None, None)
        shapes["kept"] = ((kept, columns) if neurons_are_rows else (rows, kept)) if kept else None
        shapes["bias"] = (rows,) if bias else None
        for name, shape in shapes.items():
            self.register_parameter(name, None if shape is None else nn.Parameter(torch.empty(shape)))
        self.register_buffer("index", torch.zeros(kept, dtype=torch.int32) if kept else None)

    def forward(self, x, shared=None):
        y = x.new_zeros(x.shape[0], self.rows) if shared is None else shared
        if self.full is not None:
            y = y + F.linear(x, self.full)
        if self.u is not None:
            y = y + F.linear(F.linear(x, self.v), self.u)
        if self.kept is not None and self.neurons_are_rows:
            y = y.index_add(-1, self.index, F.linear(x, self.kept))
        elif self.kept is not None:
            y = y + F.linear(x.index_select(-1, self.index), self.kept)
        return y if self.bias is None else y + self.bias


class CompactExpert(nn.Module):
    """The matrices of an expert; `gate` is None where there is none."""

    def __init__(self, hidden, width, forms, bias):
        super().__init__()
        self.gate = None
        for name, (rank, kept) in forms.items():
            rows, columns = (hidden, width) if name == "down" else (width, hidden)
            setattr(self, name, CompactMatrix(rows, columns, rank, kept, name != "down", bias))


class CompactExperts(nn.Module):
    """Takes the place of the stock experts of a layer and borrows their activation."""

    def __init__(self, stock, layer, hidden):
        super().__init__()
        for name in [name for name, _ in stock.named_parameters()]:
            owner, _, leaf = name.rpartition(".")
            setattr(stock.get_submodule(owner), leaf, None)
        self.stock = stock
        self.act_fn = getattr(stock, "act_fn", None) or getattr(getattr(stock, "mlp", None), "activation_fn", None)
        self.num_experts = len(layer["map"])
        self.map = layer["map"]
        self.identities = getattr(stock, "zero_expert_num", 0) or 0
        self.count = layer["experts"]
        for e in range(self.count):
            forms = {m: (of(layer["rank"][m], e), of(layer["kept"][m], e)) for m in MATRICES if m in layer["rank"]}
            self.add_module(str(e), CompactExpert(hidden, of(layer["width"], e), forms, layer["bias"]))
        width = of(layer["width"], 0)
        for name in MATRICES:
            shape = (hidden, width) if name == "down" else (width, hidden)
            base = nn.Parameter(torch.empty(shape)) if name in layer["base"] else None
            self.register_parameter("base_" + name, base)

    def activate(self, gate, up):
        if gate is None:
            return self.act_fn(up)
        if not hasattr(self.stock, "_apply_gate"):
            return self.act_fn(gate) * up
        if getattr(self.stock, "is_concatenated", True):
            return self.stock._apply_gate(torch.cat((gate, up), dim=-1))
        return self.stock._apply_gate(torch.stack((gate, up), dim=-1).flatten(-2))

    def neurons(self, e, x, gate_base=None, up_base=None):
        """What enters the down projection of an expert."""
        expert = getattr(self, str(e))
        gate = None if expert.gate is None else expert.gate(x, gate_base)
        return self.activate(gate, expert.up(x, up_base))

    def forward(self, hidden_states, top_k_index=None, top_k_weights=None):
        if top_k_index is None:
            return self.forward_blocks(hidden_states)
        shape, hidden_states = hidden_states.shape, hidden_states.flatten(0, -2)
        # Members of a group that are chosen together add their gate values up; a base is applied once per token.
        chosen = torch.tensor(self.map + [IDENTITY] * self.identities, device=top_k_index.device)[top_k_index]
        shared = [None if b is None else F.linear(hidden_states, b) for b in (self.base_gate, self.base_up)]
        output = torch.zeros_like(hidden_states)
        neurons = None if self.base_down is None else hidden_states.new_zeros(len(hidden_states), self.base_down.shape[1])
        for e in chosen.unique().tolist():
            hit = chosen == e
            token = hit.any(-1).nonzero()[:, 0]
            gates, seen = (top_k_weights * hit).sum(-1)[token, None], hidden_states[token]
            if e == IDENTITY:
                output.index_add_(0, token, (seen * gates).to(output.dtype))
                continue
            z = self.neurons(e, seen, *[None if s is None else s[token] for s in shared])
            output.index_add_(0, token, (getattr(self, str(e)).down(z) * gates).to(output.dtype))
            if neurons is not None:
                neurons.index_add_(0, token, (z * gates).to(output.dtype))
        return (output if neurons is None else output + F.linear(neurons, self.base_down)).view(shape)

    def forward_blocks(self, hidden_states):
        """Llama 4 gives every expert all tokens, weighted before, one block after the other."""
        outputs = []
        for e, block in zip(self.map, hidden_states.view(len(self.map), -1, hidden_states.shape[-1])):
            bases = [None if b is None else F.linear(block, b) for b in (self.base_gate, self.base_up)]
            z = self.neurons(e, block, *bases)
            base = None if self.base_down is None else F.linear(z, self.base_down)
            outputs.append(getattr(self, str(e)).down(z, base))
        return torch.cat(outputs)


def of(value, e):
    """An entry of a list, or what stands for all of them."""
    return value[e] if isinstance(value, list) else value


def resize_router(block, before, rows):
    """Gives the router of a block another number of rows."""
    for child, module in block.named_children():
        if isinstance(module, CompactExperts) or "shared" in child:
            continue
        for part in module.modules():
            for values in (part._parameters, part._buffers):
                for name, tensor in values.items():
                    if tensor is not None and tensor.shape[:1] == (before,):
                        new = tensor.new_empty((rows, *tensor.shape[1:]))
                        values[name] = nn.Parameter(new) if isinstance(tensor, nn.Parameter) else new
            for name in COUNTS:
                if getattr(part, name, None) == before:
                    setattr(part, name, rows)


def compact(model):
    """Replaces the experts of every layer that config.json describes."""
    text = getattr(model.config, "text_config", model.config)
    layers = model.config.smelt["layers"]
    for name, stock in [(n, m) for n, m in model.named_modules() if n.endswith(".experts")]:
        numbers = [part for part in name.split(".") if part.isdigit()]
        layer = layers.get(numbers[-1]) if numbers else None
        if layer is None:
            continue
        block = model.get_submodule(name.removesuffix(".experts"))
        rows = len(layer["map"])
        before = next((getattr(text, c) for c in COUNTS if isinstance(getattr(text, c, None), int)), rows)
        block.experts = CompactExperts(stock, layer, text.hidden_size)
        if rows != before:
            resize_router(block, before, rows)
            for count in COUNTS:
                if getattr(block, count, None) == before:
                    setattr(block, count, rows)


def __getattr__(name):
    stock = getattr(transformers, name.removeprefix("Smelt"), None) if name.startswith("Smelt") else None
    if stock is None:
        raise AttributeError(name)

    def __init__(self, config, *args, **kwargs):
        stock.__init__(self, config, *args, **kwargs)
        compact(self)

    # LongCat-Flash stores matrices for choices that return their input.
    ignored = [*(stock._keys_to_ignore_on_load_unexpected or []), r"\.experts\.gate_up_proj$"]
    members = {"__init__": __init__, "__module__": __name__, "_keys_to_ignore_on_load_unexpected": ignored}
    made = type(name, (stock,), members)
    globals()[name] = made
    return made
