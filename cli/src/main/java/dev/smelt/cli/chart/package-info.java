/**
 * Pictures of numbers.
 *
 * <p>Everything is drawn on a {@link dev.smelt.cli.chart.Canvas}, of which there are two: PNG and
 * SVG. {@link dev.smelt.cli.chart.LinePlot} draws losses over steps; other charts stand beside what
 * they show.
 */
package dev.smelt.cli.chart;
