package orrery.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.engine.EngineOptions;
import orrery.grammar.Grammars;
import orrery.hisparse.HisparseConfig;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;

/** Every record of options keeps to the idiom; a new record or component is covered by itself. */
class OptionsTest {
  /** The records of the engine, and the parameters of a request. */
  static Stream<Record> records() throws ReflectiveOperationException {
    List<Record> all = new ArrayList<>(List.of(SamplingParams.defaults()));
    for (RecordComponent group : EngineOptions.class.getRecordComponents()) {
      all.add((Record) group.getAccessor().invoke(EngineOptions.defaults()));
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("records")
  void eachWithChangesWhatItNamesAndNothingElse(Record record) throws Exception {
    List<String> changed = new ArrayList<>();
    for (Method with : withs(record.getClass())) {
      Parameter[] parameters = with.getParameters();
      String[] names = Stream.of(parameters).map(Parameter::getName).toArray(String[]::new);
      Object[] values = new Object[names.length];
      for (int i = 0; i < names.length; i++) {
        values[i] = other(record, component(record, names[i]));
      }
      assertThat(with.getName()).startsWith("with" + capitalized(names[0].replace("Min", "")));
      Object[] given = Arrays.stream(values).map(OptionsTest::plain).toArray();
      assertThat(with.invoke(record, given))
          .as(with.getName())
          .isEqualTo(Options.with(record, names, values))
          .isNotEqualTo(record);
      changed.addAll(List.of(names));
    }
    assertThat(changed)
        .as("components that a with… changes")
        .containsExactlyElementsOf(names(record));
  }

  @Test
  void eachGroupOfTheEnginesOptionsIsChangedByItsOwnWith() throws Exception {
    EngineOptions o = EngineOptions.defaults();
    for (RecordComponent group : EngineOptions.class.getRecordComponents()) {
      Record before = (Record) group.getAccessor().invoke(o);
      RecordComponent first = before.getClass().getRecordComponents()[0];
      Record after = Options.with(before, first.getName(), other(before, first));
      UnaryOperator<Record> change =
          r -> {
            assertThat(r).isEqualTo(before);
            return after;
          };
      Object changed =
          EngineOptions.class
              .getMethod("with" + capitalized(group.getName()), UnaryOperator.class)
              .invoke(o, change);
      assertThat(changed).isEqualTo(Options.with(o, group.getName(), after)).isNotEqualTo(o);
    }
  }

  @Test
  void aChangeIsCheckedByTheConstructorOfTheRecord() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> EngineOptions.defaults().withKv(kv -> kv.withPageSize(-1)))
        .withMessage("page-size: expected at least 1, or 0 for the context length, found -1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> EngineOptions.defaults().withKv(_ -> null))
        .withMessage("kv: expected options, found null");
  }

  @Test
  void aComponentThatTheRecordDoesNotHaveIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Options.with(EngineOptions.defaults(), "warp", 9))
        .withMessage("orrery.engine.EngineOptions has no component warp");
  }

  /** The methods {@code with…}, in the order of the components that they change first. */
  private static List<Method> withs(Class<?> type) {
    List<String> order =
        Stream.of(type.getRecordComponents()).map(RecordComponent::getName).toList();
    return Stream.of(type.getMethods())
        .filter(m -> m.getName().startsWith("with") && m.getReturnType() == type)
        .sorted((a, b) -> order.indexOf(first(a)) - order.indexOf(first(b)))
        .toList();
  }

  private static String first(Method with) {
    return with.getParameters()[0].getName();
  }

  private static List<String> names(Record record) {
    return Stream.of(record.getClass().getRecordComponents())
        .map(RecordComponent::getName)
        .toList();
  }

  private static RecordComponent component(Record record, String name) {
    return Stream.of(record.getClass().getRecordComponents())
        .filter(c -> c.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** Another value of a component, one that the record's constructor takes. */
  private static Object other(Record record, RecordComponent component) {
    for (Object value : candidates(component)) {
      try {
        if (!Options.with(record, component.getName(), value).equals(record)) {
          return value;
        }
      } catch (IllegalArgumentException e) {
        // out of range: try the next one
      }
    }
    throw new AssertionError(component + ": no other value is known to the test");
  }

  private static List<?> candidates(RecordComponent component) {
    Type type = component.getGenericType();
    return switch (type.getTypeName()) {
      case "boolean" -> List.of(false, true);
      case "int" -> List.of(3, 5);
      case "long" -> List.of(3L, 5L);
      case "double" -> List.of(0.5, 1.5);
      case "java.lang.String" -> List.of("word", "other");
      case "java.util.OptionalLong" -> List.of(OptionalLong.of(3));
      case "java.util.Optional<orrery.grammar.Constraint>" ->
          List.of(Optional.of(Grammars.of(new byte[][] {{'a'}}).regex("a")));
      case "orrery.hisparse.HisparseConfig" -> List.of(new HisparseConfig(3, 5));
      case "java.util.List<java.lang.String>" -> List.of(List.of("end"));
      case "java.util.List<java.lang.Integer>" -> List.of(List.of(3));
      case "java.util.List<orrery.sampling.SamplingParams$TokenBias>" ->
          List.of(List.of(new TokenBias(3, 1)));
      default -> List.of(component.getType().getEnumConstants());
    };
  }

  /** What a {@code with…} takes for a value: an optional's content. */
  private static Object plain(Object value) {
    return switch (value) {
      case OptionalLong some -> some.getAsLong();
      case Optional<?> some -> some.orElseThrow();
      default -> value;
    };
  }

  private static String capitalized(String name) {
    return Character.toUpperCase(name.charAt(0)) + name.substring(1);
  }
}
