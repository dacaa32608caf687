"""Prints the reference values of MeasuresTest: areas under ROC curves and p-values by scipy, sizes by zlib, means by NumPy, and
ROUGE-L by torchmetrics (needs nltk too)."""

import zlib

import numpy as np
from scipy.stats import hmean, ks_2samp, mannwhitneyu
from torchmetrics.functional.text import rouge_score

MEMBERS, OTHERS = [0.1, 0.4, 0.35, 0.8, 0.4], [0.4, 0.9, 0.35, 1.2]
FORGOTTEN, NEVER = [0.61, 0.72, 0.93, 1.04, 1.15, 1.36], [0.2, 0.33, 0.45, 0.66, 0.7, 1.0]
WORDS = (
    ("the cat sat on the mat", "The cat lay on a mat!"),
    ("a b c d", "d c b a"),
    (
        "In the beginning God created the heaven and the earth. And the earth was without form, and void;",
        "And God said, Let the earth bring forth; and in the beginning the heaven was void, without form.",
    ),
    (
        "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife.",
        "It is a truth that a man of good fortune must want a wife 2 times.",
    ),
    ("one two three", "four five"),
)
TEXTS = ("", "In the beginning God created the heaven and the earth.", "abc" * 200)


def area(members, others):
    """The chance that one of the others has the higher value; ties count half."""
    return mannwhitneyu(others, members).statistic / (len(members) * len(others))


print("area", area(MEMBERS, OTHERS), area(OTHERS, MEMBERS))
print("lowest 40 %", np.sort([-1, -5, -3, -2, -4])[:2].mean())
print("zlib", [len(zlib.compress(text.encode())) for text in TEXTS])
print("Kolmogorov-Smirnov", ks_2samp(FORGOTTEN, NEVER, method="exact").pvalue)
print("harmonic mean", hmean([0.5, 0.25, 1]))
for expected, found in WORDS:
    print("ROUGE-L recall", float(rouge_score(found, expected, rouge_keys="rougeL")["rougeL_recall"]))
