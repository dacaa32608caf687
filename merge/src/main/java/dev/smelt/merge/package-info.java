/** Fewer experts: grouping, neuron alignment, averaging, dropping. One method is one file. */
package dev.smelt.merge;
