/**
 * What mixes the tokens of a sequence: the interface that a layer holds, and its recurrent forms.
 *
 * <p>Start with {@link dev.smelt.model.mixer.Mixer}. Attention is in the package beside this one.
 */
package dev.smelt.model.mixer;
