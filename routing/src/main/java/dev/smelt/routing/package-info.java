/** From a calibration run to routing statistics, their file, and reading them back. */
package dev.smelt.routing;
