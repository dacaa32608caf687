package dev.smelt.unlearn.measure;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Questions with true, paraphrased and wrong answers, in TOFU's format (arXiv 2401.06121): a JSON
 * object in each line, or one array of objects.
 *
 * @param examples at least one
 */
public record Tofu(List<Example> examples) {
  /**
   * A question.
   *
   * @param question the question
   * @param answer the true answer
   * @param paraphrased the true answer in other words; the answer itself where there is none
   * @param perturbed wrong answers; may be empty
   */
  public record Example(
      String question, String answer, String paraphrased, List<String> perturbed) {
    /** Copies the list. */
    public Example {
      perturbed = List.copyOf(perturbed);
    }
  }

  /** Copies the list. */
  public Tofu {
    examples = List.copyOf(examples);
  }

  /**
   * Reads a file.
   *
   * @throws SmeltException if it is missing, is not JSON, or an entry has no question or answer
   */
  public static Tofu read(Path file) {
    List<Example> examples = new ArrayList<>();
    for (JsonNode node : nodes(file)) {
      int number = examples.size() + 1;
      String answer = text(node, "answer", file, number);
      examples.add(
          new Example(
              text(node, "question", file, number),
              answer,
              node.path("paraphrased_answer").isString()
                  ? node.path("paraphrased_answer").stringValue()
                  : answer,
              StreamSupport.stream(node.path("perturbed_answer").spliterator(), false)
                  .map(JsonNode::stringValue)
                  .toList()));
    }
    if (examples.isEmpty()) {
      throw SmeltException.checkpoint(
          file + ": no questions",
          "expected lines like {\"question\": \"...\", \"answer\": \"...\"}");
    }
    return new Tofu(examples);
  }

  private static List<JsonNode> nodes(Path file) {
    JsonMapper mapper = new JsonMapper();
    try {
      String text = Files.readString(file).strip();
      if (text.startsWith("[")) {
        return StreamSupport.stream(mapper.readTree(text).spliterator(), false).toList();
      }
      return text.lines().filter(line -> !line.isBlank()).map(mapper::readTree).toList();
    } catch (IOException | JacksonException e) {
      throw new SmeltException(
          Fault.CHECKPOINT,
          file + ": not questions in TOFU's JSON format: " + e.getMessage(),
          "expected lines like {\"question\": \"...\", \"answer\": \"...\"}",
          e);
    }
  }

  private static String text(JsonNode node, String field, Path file, int number) {
    JsonNode value = node.path(field);
    if (!value.isString()) {
      throw SmeltException.checkpoint(
          "%s: entry %d has no field '%s'".formatted(file, number, field),
          "expected question, answer, paraphrased_answer and perturbed_answer");
    }
    return value.stringValue();
  }

  /** Whether every question has wrong answers, which truth ratios need. */
  public boolean hasWrongAnswers() {
    return examples.stream().noneMatch(e -> e.perturbed().isEmpty());
  }
}
