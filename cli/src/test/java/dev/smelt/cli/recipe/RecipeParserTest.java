package dev.smelt.cli.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;

class RecipeParserTest {
  private static final String RECIPE =
      """
      # A comment.
      model: model
      output: out/merged
      text: [a.txt:0.7, texts/*.jsonl]
      validation: b.txt
      length: 128
      seed: 3
      steps:
        - evaluate
        - merge:
            experts: 8
            method: m-smoe
            statistics: stats.safetensors
            dry-run: true
            force: false
        - evaluate: {length: 64}
      checks:
        perplexity_increase: <= 5%
        size_ratio: "<= 60 %"
      """;

  private static final SequencedMap<String, Step> STEPS = new LinkedHashMap<>();

  static {
    STEPS.put("merge", new MergeLike());
    STEPS.put("evaluate", new EvaluateLike());
  }

  @TempDir private Path directory;

  private record MergeLike() implements Step {
    @Override
    public String name() {
      return "merge";
    }

    @Override
    public Set<String> options() {
      return Set.of("experts", "method", "statistics", "dry-run", "force", "seed");
    }

    @Override
    public Set<String> pathOptions() {
      return Set.of("statistics");
    }

    @Override
    public Set<String> measures() {
      return Set.of("size_ratio");
    }

    @Override
    public void run(StepSpec spec, RecipeRun run) {}
  }

  private record EvaluateLike() implements Step {
    @Override
    public String name() {
      return "evaluate";
    }

    @Override
    public Set<String> options() {
      return Set.of("length", "text");
    }

    @Override
    public Set<String> pathOptions() {
      return Set.of("text");
    }

    @Override
    public Set<String> measures() {
      return Set.of("perplexity", "perplexity_increase");
    }

    @Override
    public void run(StepSpec spec, RecipeRun run) {}
  }

  private Recipe parse(String text, String... assignments) {
    try {
      Path file = Files.writeString(directory.resolve("recipe.yaml"), text);
      Files.createDirectories(directory.resolve("model"));
      return RecipeParser.read(file, List.of(assignments), STEPS);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void readsEveryField() {
    Recipe recipe = parse(RECIPE);
    assertThat(recipe.model()).isEqualTo(directory.resolve("model").toString());
    assertThat(recipe.output()).contains("out/merged");
    assertThat(recipe.text())
        .containsExactly(directory + "/a.txt:0.7", directory + "/texts/*.jsonl");
    assertThat(recipe.validation()).containsExactly(directory + "/b.txt");
    assertThat(recipe.steps())
        .extracting(StepSpec::name)
        .containsExactly("evaluate", "merge", "evaluate");
    assertThat(recipe.steps().get(1).line()).isEqualTo(10);
    assertThat(recipe.checks()).containsOnlyKeys("perplexity_increase", "size_ratio");
  }

  @Test
  void stepsAreCommandLinesWithTheCommonSettings() {
    List<StepSpec> steps = parse(RECIPE).steps();
    assertThat(steps.get(0).arguments()).containsExactly("--length=128");
    assertThat(steps.get(1).arguments())
        .containsExactly(
            "--experts=8",
            "--method=m-smoe",
            "--statistics=" + directory + "/stats.safetensors",
            "--dry-run",
            "--seed=3");
    assertThat(steps.get(2).arguments()).containsExactly("--length=64");
  }

  @Test
  void theCommandLineWins() {
    Recipe recipe =
        parse(
            RECIPE,
            "merge.experts=4",
            "steps.1.length=32",
            "seed=9",
            "checks.perplexity=< 20",
            "validation=here.txt",
            "model=owner/name");
    assertThat(recipe.model()).isEqualTo("owner/name");
    assertThat(recipe.validation())
        .containsExactly(Path.of("here.txt").toAbsolutePath().toString());
    assertThat(recipe.steps().get(0).arguments()).containsExactly("--length=32");
    assertThat(recipe.steps().get(1).arguments()).contains("--experts=4", "--seed=9");
    assertThat(recipe.checks().get("perplexity")).hasToString("< 20.0000");
  }

  @Test
  void theEffectiveRecipeIsTheSameRecipe() {
    Recipe recipe = parse(RECIPE, "merge.experts=4", "output=elsewhere");
    Recipe again = parse(recipe.yaml());
    assertThat(recipe.yaml()).doesNotContain("elsewhere").contains("      experts: 4\n");
    assertThat(again.yaml()).isEqualTo(recipe.yaml());
    assertThat(again.steps()).extracting(StepSpec::options).isEqualTo(options(recipe));
    assertThat(again.checks()).isEqualTo(recipe.checks());
    assertThat(again.text()).isEqualTo(recipe.text());
  }

  private static List<SequencedMap<String, List<String>>> options(Recipe recipe) {
    return recipe.steps().stream().map(StepSpec::options).toList();
  }

  static final List<Arguments> WRONG =
      List.of(
          Arguments.of(
              "model: m\nstpes: []", "line 2: unknown key `stpes` (did you mean `steps`?)"),
          Arguments.of("model: m\nsteps:\n- mrege: {experts: 8}", "line 3: unknown step `mrege`"),
          Arguments.of(
              "model: m\nsteps:\n- merge:\n    expert: 8",
              "line 4: unknown key `expert` (did you mean `experts`?) in step `merge`"),
          Arguments.of("model: m\nmodel: n", "line 2: `model` is given twice"),
          Arguments.of("model: m\nsteps:\n- evaluate\nlength: [1, 2]", "takes a single value"),
          Arguments.of("steps: [evaluate]", "`model` is missing"),
          Arguments.of("model: m", "`steps` must be a list"),
          Arguments.of("model: m\nsteps: [evaluate]\ntext: {a: b}", "`text` must be a value"),
          Arguments.of("model: [m\n", "not valid YAML"),
          Arguments.of("- a\n- b", "must be a mapping"),
          Arguments.of("", "must be a mapping"),
          Arguments.of(
              "model: m\nsteps: [evaluate]\nchecks:\n  perplexity: 5%",
              "line 4: check `perplexity`: expected a comparison"),
          Arguments.of(
              "model: m\nsteps: [evaluate]\nchecks:\n  size_ratio: <= 5%",
              "line 4: unknown key `size_ratio` (known are: "));

  @ParameterizedTest
  @FieldSource("WRONG")
  void refusesWithTheLine(String text, String message) {
    assertThatThrownBy(() -> parse(text))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.USAGE))
        .hasMessageContaining(message);
  }

  @Test
  void reportsAllProblemsAtOnce() {
    assertThatThrownBy(() -> parse("modle: m\nsteps:\n- merge: {expert: 8}\n- evalute"))
        .hasMessageContaining("4 problems");
  }

  static final List<Arguments> WRONG_ASSIGNMENTS =
      List.of(
          Arguments.of("experts", "expected key=value"),
          Arguments.of("sead=1", "--set: unknown key `sead` (did you mean `seed`?)"),
          Arguments.of("evaluate.length=1", "there are 2 steps named `evaluate`"),
          Arguments.of("calibrate.length=1", "there are 0 steps named `calibrate`"),
          Arguments.of("steps.9.length=1", "the recipe has 3 steps"),
          Arguments.of("a.b.c=1", "names nothing in a recipe"));

  @ParameterizedTest
  @FieldSource("WRONG_ASSIGNMENTS")
  void refusesWrongAssignments(String assignment, String message) {
    assertThatThrownBy(() -> parse(RECIPE, assignment)).hasMessageContaining(message);
  }
}
