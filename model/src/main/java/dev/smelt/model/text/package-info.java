/**
 * Text becomes token ids: the checkpoint's tokenizer, its chat template, and the files that
 * calibration and evaluation read.
 *
 * <p>Start at {@link dev.smelt.model.text.TextSource#parse} (what the user named), {@link
 * dev.smelt.model.text.ModelText} (how a model reads text), then {@link
 * dev.smelt.model.text.CalibrationSet#draw} or {@link dev.smelt.model.text.EvaluationWindows#read}.
 * Nothing here pads, truncates or adds special tokens on its own, and nothing reaches for the
 * network. The model itself is not here.
 */
package dev.smelt.model.text;
