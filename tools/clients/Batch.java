import dev.smelt.cli.Main;
import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Terminal;
import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsWriter;
import dev.smelt.io.SmeltException;
import dev.smelt.io.TensorInfo;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import tools.jackson.databind.json.JsonMapper;

/**
 * Many commands of smelt in one process, for checks that run hundreds of them on tiny models.
 *
 * <p>Each line of standard input is a command line, its words separated by tabs; for each there is
 * a line of JSON on standard output: {@code {"exit": 0, "stdout": "...", "stderr": "..."}}. One
 * command is not among those of the program: {@code logits MODEL 1,2,3 OUT} writes the logits of
 * token ids in F32 as a safetensors file.
 */
final class Batch {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private Batch() {}

  public static void main(String[] arguments) throws IOException {
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      System.out.println(MAPPER.writeValueAsString(answer(List.of(line.split("\t")))));
      System.out.flush();
    }
  }

  private static Map<String, Object> answer(List<String> words) throws IOException {
    var results = new ByteArrayOutputStream();
    var messages = new ByteArrayOutputStream();
    int exit;
    Console console = new Console(results, messages, Terminal.NONE);
    if (words.getFirst().equals("logits")) {
      exit = writeLogits(console, Path.of(words.get(1)), ids(words.get(2)), Path.of(words.get(3)));
    } else {
      exit = Main.run(console, words);
    }
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("exit", exit);
    answer.put("stdout", results.toString(StandardCharsets.UTF_8));
    answer.put("stderr", messages.toString(StandardCharsets.UTF_8));
    return answer;
  }

  private static int[] ids(String list) {
    return Arrays.stream(list.split(",")).mapToInt(Integer::parseInt).toArray();
  }

  private static int writeLogits(Console console, Path directory, int[] ids, Path target)
      throws IOException {
    List<TokenBatch> batches = List.of(new TokenBatch(List.of(ids)));
    try (MoeModel model = MoeModel.open(directory);
        HiddenStates states = HiddenStates.embed(model, batches, Dtype.F32);
        var _ = Scope.open()) {
      for (int layer = 0; layer < model.architecture().layers(); layer++) {
        states.advance(model.layer(layer, Dtype.F32), MoeObserver.NONE);
      }
      Tensor logits = model.decoderHead(Dtype.F32).logits(states.state(0)).contiguous();
      SequencedMap<TensorInfo, MemorySegment> tensors = new LinkedHashMap<>();
      List<Long> shape = Arrays.stream(logits.shape()).boxed().toList();
      tensors.put(new TensorInfo("logits", Dtype.F32, shape), logits.memory());
      SafetensorsWriter.write(target, new LinkedHashMap<>(), tensors);
      return 0;
    } catch (SmeltException e) {
      console.error(e.getMessage());
      return e.fault().exitCode();
    }
  }
}
