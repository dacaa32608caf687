package dev.smelt.cli.recovery;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.model.Architecture;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Whether a teacher can teach a student. */
final class TeacherCheck {
  private static final String TOKENIZER = "tokenizer.json";
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private final MoeModel student;
  private final MoeModel teacher;
  private final List<String> problems = new ArrayList<>();

  private TeacherCheck(MoeModel student, MoeModel teacher) {
    this.student = student;
    this.teacher = teacher;
  }

  /**
   * Insists that both models have the same family, the same sizes between layers, and the same
   * tokenizer; experts, their number and width may differ.
   *
   * @throws SmeltException with all that differs
   */
  static void require(MoeModel student, MoeModel teacher) {
    TeacherCheck check = new TeacherCheck(student, teacher);
    check.compareArchitectures();
    check.compareTokenizers();
    if (!check.problems.isEmpty()) {
      throw SmeltException.all(
          Fault.USAGE,
          check.problems,
          "the teacher must be the model that the student was made from, or one of the same form");
    }
  }

  private void compareArchitectures() {
    Architecture one = student.architecture();
    Architecture other = teacher.architecture();
    compare("model_type", one.family().modelType(), other.family().modelType());
    compare("layers", one.layers(), other.layers());
    compare("hidden size", one.hidden(), other.hidden());
    compare("vocabulary", one.vocabulary(), other.vocabulary());
    compare("layers with experts", layers(student), layers(teacher));
  }

  private static List<Integer> layers(MoeModel model) {
    return model.moeLayers().stream().map(MoeLayer::layer).toList();
  }

  private void compare(String what, Object one, Object other) {
    if (!one.equals(other)) {
      problems.add(
          "--teacher %s: %s %s, the student has %s"
              .formatted(teacher.checkpoint().directory(), what, other, one));
    }
  }

  /** Token ids without a tokenizer are taken as they are. */
  private void compareTokenizers() {
    Path one = student.checkpoint().directory().resolve(TOKENIZER);
    Path other = teacher.checkpoint().directory().resolve(TOKENIZER);
    if (Files.exists(one) && Files.exists(other) && !sameContent(one, other)) {
      problems.add("--teacher: %s differs from the student's %s".formatted(other, one));
    }
  }

  private static boolean sameContent(Path one, Path other) {
    try {
      return Files.mismatch(one, other) < 0 || vocabulary(one).equals(vocabulary(other));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What decides the ids; formatting and settings for padding do not. */
  private static List<JsonNode> vocabulary(Path file) throws IOException {
    try {
      JsonNode root = MAPPER.readTree(Files.readAllBytes(file));
      return List.of(root.path("model"), root.path("added_tokens"), root.path("pre_tokenizer"));
    } catch (JacksonException e) {
      throw new SmeltException(
          Fault.CHECKPOINT, file + ": not JSON", "copy it from the original checkpoint again", e);
    }
  }
}
