package dev.smelt.cli;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Terminal;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs the program in this process, with commands of the test's choice. */
record InProcess(int exitCode, String stdout, String stderr) {
  static InProcess run(List<Main.Entry> commands, String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Console console = new Console(out, err, Terminal.NONE);
    int code = new Program(console, commands).run(List.of(arguments));
    return new InProcess(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
