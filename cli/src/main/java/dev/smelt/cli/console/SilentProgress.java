package dev.smelt.cli.console;

/** Progress that is not shown. */
record SilentProgress() implements Progress {
  @Override
  public void advance(long units) {}

  @Override
  public void close() {}
}
