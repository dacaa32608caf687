package dev.smelt.cli.command;

/** What each layer is planned on. */
enum PlanOn {
  /** What the original model feeds it. */
  ORIGINAL,
  /** What the layers before it, already reduced, feed it. */
  REDUCED
}
