package dev.smelt.cli.console;

/** Progress that is not shown. */
record SilentProgress() implements Progress {
  @Override
  public void advance(long units) {}

  @Override
  public void note(String text) {
    // Nothing is shown.
  }

  @Override
  public void close() {}
}
