package dev.smelt.model.text;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.el.JinjavaInterpreterResolver;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.InterpreterFactory;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import com.hubspot.jinjava.objects.date.StrftimeFormatter;
import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.Locale;
import java.util.Map;
import jinjava.javax.el.CompositeELResolver;

/**
 * Jinjava set up as transformers sets up Jinja2: its functions and filters, Python's string
 * methods, and never a second interpretation of what messages contain.
 *
 * <p>Two differences remain. A value that is null prints as nothing, where Python prints None.
 * Printing a truth value is refused, because {@code a or b} gives a truth value here and one of the
 * operands in Python.
 */
final class JinjaEnvironment {
  /** What a template throws with {@code raise_exception}. */
  static final class RaisedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    RaisedException(String message) {
      super(message);
    }
  }

  private JinjaEnvironment() {}

  static Jinjava create(Clock clock) {
    Jinjava jinja = new Jinjava(config());
    Context context = jinja.getGlobalContext();
    context.registerFunction(function("raise_exception", "raiseException", String.class));
    context.put(CLOCK, clock);
    context.registerFunction(function("strftime_now", "strftimeNow", String.class));
    context.registerFilter(new ToJson());
    context.registerFilter(new Items());
    return jinja;
  }

  private static final String CLOCK = "smelt clock";

  private static ELFunctionDefinition function(String name, String method, Class<?>... types) {
    return new ELFunctionDefinition("", name, JinjaEnvironment.class, method, types);
  }

  private static JinjavaConfig config() {
    CompositeELResolver resolver = new CompositeELResolver();
    resolver.add(new PythonStrings());
    resolver.add(JinjavaInterpreterResolver.DEFAULT_RESOLVER_READ_ONLY);
    return JinjavaConfig.newBuilder()
        .withNestedInterpretationEnabled(false)
        .withMaxOutputSize(0)
        .withElResolver(resolver)
        .withInterperterFactory(new Interpreters())
        .withLegacyOverrides(
            LegacyOverrides.newBuilder()
                .withEvaluateMapKeys(true)
                .withIterateOverMapKeys(true)
                .withUsePyishObjectMapper(true)
                .withUseNaturalOperatorPrecedence(true)
                .withAllowAdjacentTextNodes(true)
                .withUseTrimmingForNotesAndExpressions(true)
                .withKeepNullableLoopValues(true)
                .build())
        .build();
  }

  /** Called by templates. */
  public static Object raiseException(String message) {
    throw new RaisedException(message);
  }

  /** Called by templates. */
  public static String strftimeNow(String format) {
    Clock clock = (Clock) JinjavaInterpreter.getCurrent().getContext().get(CLOCK);
    return StrftimeFormatter.format(ZonedDateTime.now(clock), format, Locale.ENGLISH);
  }

  private static final class Interpreters implements InterpreterFactory {
    @Override
    public JinjavaInterpreter newInstance(JinjavaInterpreter original) {
      return new Interpreter(original);
    }

    @Override
    public JinjavaInterpreter newInstance(Jinjava jinja, Context context, JinjavaConfig config) {
      return new Interpreter(jinja, context, config);
    }
  }

  private static final class Interpreter extends JinjavaInterpreter {
    Interpreter(JinjavaInterpreter original) {
      super(original);
    }

    Interpreter(Jinjava jinja, Context context, JinjavaConfig config) {
      super(jinja, context, config);
    }

    @Override
    public String getAsString(Object object) {
      if (object instanceof Boolean) {
        addError(
            TemplateError.fromException(
                new UnsupportedOperationException("a truth value is printed"), getLineNumber()));
      }
      return super.getAsString(object);
    }
  }

  private static final class Items implements Filter {
    @Override
    public String getName() {
      return "items";
    }

    @Override
    public Object filter(Object value, JinjavaInterpreter interpreter, String... arguments) {
      return value instanceof Map<?, ?> map ? map.entrySet() : Map.of().entrySet();
    }
  }
}
