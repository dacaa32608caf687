"""Checks checkpoints in compact form against transformers, which loads them with trust_remote_code.

usage: check_compact.py [--java JAVA] [--work target/compact] [NAME ...]
Every kind of compact checkpoint for three families, and one kind for every other family; of each the logits are compared, and
what --materialize makes of it is loaded by stock transformers and must be the same model. Prints a line for each check and ends with
`N passed, M failed`; exits with 1 if one failed.
"""

import argparse
import json
import pathlib
import shutil
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from check_families import GOLDENS, NOT_IN_STOCK, ROOT, Batch, goldens, stock
from clients import Checks

TOLERANCE = 1e-4
ROUNDING = 0.1
# Without a compact form; a test of Java shows how it is refused.
REFUSED = ("switch_transformers",)
ALL_KINDS = ("qwen3_moe", "mixtral", "olmoe")
LOW_RANK = ("compress", "--method", "low-rank", "--rank", "3")
KINDS = {
    "low-rank": LOW_RANK,
    "low-rank whitened, global": (
        *("compress", "--method", "low-rank", "--parameter-ratio", "0.5", "--whiten", "--allocation", "global"),
    ),
    "low-rank-sparse": ("compress", "--method", "low-rank-sparse", "--rank", "3", "--keep", "0.2"),
    "shared-delta": ("compress", "--method", "shared-delta", "--rank", "3", "--base", "frequency", "--whiten"),
    "merge compact": ("merge", "--form", "compact", "--experts", "5", "--repair", "none"),
    "merge redirect": ("merge", "--router", "redirect", "--experts", "3", "--repair", "none"),
    "merge adaptive": ("merge", "--adaptive", "--experts", "5", "--repair", "none"),
    "merge adaptive redirect": ("merge", "--adaptive", "--router", "redirect", "--experts", "3", "--repair", "none"),
}


def with_code(directory):
    """The model from the class that lies beside the weights, and everything that transformers noticed."""
    model, info = AutoModelForCausalLM.from_pretrained(
        directory,
        dtype=torch.float32,
        attn_implementation="eager",
        output_loading_info=True,
        local_files_only=True,
        trust_remote_code=True,
    )
    return model.float().eval(), {key: sorted(map(str, info[key])) for key in info if info[key]}


def ours(smelt, directory, ids):
    file = directory / "logits.tensors"
    smelt("logits", directory, ",".join(map(str, ids[0].tolist())), file)
    return load_file(file)["logits"]


@torch.no_grad()
def check_logits(check, title, loader, directory, ids, expected):
    try:
        model, problems = loader(directory)
        logits = model(ids, use_cache=False).logits.float()
    except Exception as failure:  # whatever stops it is a failed check, not the end of all
        check(title, False, f"{type(failure).__name__}: {failure}")
        return
    check(f"{title}: loads with nothing missing, unexpected or mismatched", not problems, json.dumps(problems) if problems else "")
    difference = (logits - expected).abs().max().item()
    check(f"{title}: same logits", difference <= TOLERANCE, f"largest difference {difference:.1e}")


def is_wide(directory):
    """Whether all weights are stored in F32."""
    tensors = load_file(next(directory.glob("*.safetensors"))).values()
    return all(tensor.dtype == torch.float32 for tensor in tensors if tensor.is_floating_point())


def check_kind(check, smelt, golden, kind, work):
    text = GOLDENS / golden / "golden.safetensors"
    ids = load_file(text)["input_ids"]
    output, title = work / kind.replace(" ", "-").replace(",", ""), f"{golden}: {kind}"
    options = ("--text", text, "--sequences", "1", "--length", "17", "--compute", "f32", "--force")
    answer = smelt.answer(*KINDS[kind], GOLDENS / golden, "-o", output, *options)
    if answer["exit"]:
        check(title, False, answer["stderr"].strip())
        return
    expected = ours(smelt, output, ids)
    check_logits(check, title, with_code, output, ids, expected)
    report = json.loads((output / "smelt-report.json").read_text())
    if "fileBytes" in report:
        size = sum(file.stat().st_size for file in output.glob("*.safetensors"))
        check(f"{title}: size as planned", size == report["fileBytes"], f"{size:,} bytes")
    if "adaptive" in kind and "redirect" not in kind:
        return
    dense = work / (output.name + "-stock")
    answer = smelt.answer("compress", output, "-o", dense, "--materialize", "--compute", "f32")
    if answer["exit"]:
        check(f"{title}, materialized", False, answer["stderr"].strip())
        return
    whole = ours(smelt, dense, ids)
    check_logits(check, f"{title}, materialized", stock, dense, ids, whole)
    # Products of factors are rounded to the type of the weights; in the tiny models of BF16 that moves logits of size 3 by 0.05.
    rounding = (whole - expected).abs().max().item()
    bound = TOLERANCE if is_wide(dense) else ROUNDING
    check(f"{title}, materialized: the same model", rounding <= bound, f"largest difference {rounding:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--java", default="java", help="a Java 25")
    parser.add_argument("--classpath", default=f"{ROOT}/cli/target/smelt/lib/*", help="where smelt's classes are")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/compact")
    parser.add_argument("goldens", nargs="*", metavar="NAME", help="tiny checkpoints; all of them if none is named")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.work, ignore_errors=True)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    check, smelt = Checks(), Batch(arguments.java, arguments.classpath)
    for golden in arguments.goldens or goldens():
        if golden not in NOT_IN_STOCK and golden not in REFUSED:
            for kind in KINDS if golden in ALL_KINDS else ("low-rank",):
                check_kind(check, smelt, golden, kind, arguments.work / golden)
    smelt.close()
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
