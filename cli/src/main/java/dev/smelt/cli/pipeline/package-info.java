/**
 * What the commands that run the model do: calibrate, evaluate, merge, and the reports they write.
 *
 * <p>Commands and recipe steps share these classes. They are loaded only when the model runs.
 */
package dev.smelt.cli.pipeline;
