package dev.smelt.unlearn.measure;

import dev.smelt.io.Dtype;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TextGenerator;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.TokenChoice;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.text.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Asks a model TOFU's questions, as {@code Question: ...\nAnswer: ...}. Question and answer are
 * tokenized apart, so that the answer's first token is the same for every model and reading.
 *
 * @param model the model
 * @param compute element type of the forward pass
 * @param batchTokens tokens that go through a layer together
 * @param tokenizer of the model
 */
public record TofuRun(MoeModel model, Dtype compute, int batchTokens, TextTokenizer tokenizer) {
  /** An answer after its question, as token ids. */
  private record Reading(int[] ids, int answerTokens) {}

  /** Scores all questions. */
  public TofuScores run(Tofu questions) {
    List<Reading> readings = new ArrayList<>();
    for (Tofu.Example example : questions.examples()) {
      readings.add(reading(example.question(), example.answer()));
      readings.add(reading(example.question(), example.paraphrased()));
      example.perturbed().forEach(wrong -> readings.add(reading(example.question(), wrong)));
    }
    double[] losses = losses(readings);
    double probability = 0;
    double normalised = 0;
    List<Double> ratios = new ArrayList<>();
    int next = 0;
    for (Tofu.Example example : questions.examples()) {
      int wrong = example.perturbed().size();
      double truth = Math.exp(-losses[next]);
      probability += truth;
      if (wrong > 0) {
        double[] others = Arrays.copyOfRange(losses, next + 2, next + 2 + wrong);
        normalised += truth / (truth + Arrays.stream(others).map(l -> Math.exp(-l)).sum());
        double mean = Arrays.stream(others).average().orElseThrow();
        ratios.add(Math.exp(-mean) / Math.exp(-losses[next + 1]));
      }
      next += 2 + wrong;
    }
    int count = questions.examples().size();
    return new TofuScores(probability / count, normalised / count, recall(questions), ratios);
  }

  private Reading reading(String question, String answer) {
    int[] prompt = tokenizer.encode("Question: " + question + "\nAnswer:");
    int[] told = tokenizer.encode(" " + answer);
    int[] ids = Arrays.copyOf(prompt, prompt.length + told.length);
    System.arraycopy(told, 0, ids, prompt.length, told.length);
    return new Reading(ids, told.length);
  }

  /** Mean loss of the answer's tokens of each reading. */
  private double[] losses(List<Reading> readings) {
    List<int[]> sequences = readings.stream().map(Reading::ids).toList();
    double[] losses = new double[readings.size()];
    List<TokenBatch> batches = TokenBatch.split(sequences, batchTokens);
    try (HiddenStates states = HiddenStates.embed(model, batches, compute)) {
      for (int l = 0; l < model.architecture().layers(); l++) {
        try (var _ = Scope.open()) {
          states.advance(model.layer(l, compute), MoeObserver.NONE);
        }
      }
      try (var _ = Scope.open()) {
        var head = model.head(compute);
        int next = 0;
        for (int i = 0; i < states.size(); i++) {
          for (int b = 0; b < states.batch(i).size(); b++, next++) {
            Reading reading = readings.get(next);
            try (var _ = Scope.open()) {
              var own = states.state(i).select(0, b).narrow(0, 0, reading.ids().length);
              losses[next] =
                  TokenScores.of(head, own, reading.ids()).last(reading.answerTokens()).loss();
            }
          }
        }
      }
    }
    return losses;
  }

  private double recall(Tofu questions) {
    double sum = 0;
    try (TextGenerator greedy = new TextGenerator(model, compute, TokenChoice.likeliest())) {
      for (Tofu.Example example : questions.examples()) {
        int[] prompt = tokenizer.encode("Question: " + example.question() + "\nAnswer:");
        int tokens = tokenizer.encode(" " + example.answer()).length;
        int[] found = greedy.after(List.of(prompt), tokens).getFirst();
        sum += Rouge.recall(example.answer(), tokenizer.decode(found));
      }
    }
    return sum / questions.examples().size();
  }
}
