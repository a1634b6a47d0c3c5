package orrery.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonConfigTest {
  @TempDir Path directory;

  private JsonConfig config(String json) {
    try {
      return JsonConfig.read(Files.writeString(directory.resolve("config.json"), json));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private void refused(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOf(CheckpointException.class)
        .hasMessage(directory.resolve("config.json") + ": " + message);
  }

  @Test
  void bothTransformersSpellingsOfRopeAreReadable() {
    JsonConfig four = config("{\"rope_theta\": 10000, \"torch_dtype\": \"bfloat16\"}");
    assertThat(four.optionalObject("rope_parameters")).isEmpty();
    assertThat(four.number("rope_theta")).isEqualTo(10_000);
    assertThat(four.stringOr("dtype", four.stringOr("torch_dtype", "float32")))
        .isEqualTo("bfloat16");
    JsonConfig five =
        config(
            """
            {"dtype": "float32", "rope_parameters":
              {"rope_theta": 1e6, "rope_type": "default", "partial_rotary_factor": 0.5}}\
            """);
    JsonConfig rope = five.object("rope_parameters");
    assertThat(rope.number("rope_theta")).isEqualTo(1e6);
    assertThat(rope.oneOf("rope_type", "default")).isEqualTo("default");
    assertThat(rope.numberOr("partial_rotary_factor", 1)).isEqualTo(0.5);
    refused(
        () -> rope.bool("rope_theta"),
        "rope_parameters.rope_theta: expected true or false, found 1e6");
  }

  @Test
  void integersAreWholeInRangeAndNeverCoerced() {
    String expected = "hidden_size: expected a positive integer, found ";
    String[] bad = {
      "\"abc\"",
      "\"8\"",
      "1.5",
      "0",
      "-1",
      "2147483648",
      "true",
      "[8]",
      "{}",
      "8.0",
      "1e99",
      "1e3",
      "-0",
      "1" + "0".repeat(60)
    };
    for (String value : bad) {
      JsonConfig config = config("{\"hidden_size\": " + value + "}");
      refused(() -> config.positiveInt("hidden_size"), expected + value);
    }
    JsonConfig none = config("{\"x\": null}");
    refused(() -> none.positiveInt("hidden_size"), expected + "no such field");
    refused(() -> none.positiveInt("x"), "x: expected a positive integer, found null");
    assertThat(none.positiveIntOr("x", 7)).isEqualTo(7);
    assertThat(none.intOr("hidden_size", -3)).isEqualTo(-3);
    assertThat(config("{\"a\": -5}").intOr("a", 0)).isEqualTo(-5);
    assertThat(config("{\"a\": 0}").nonNegativeInt("a")).isZero();
    assertThat(config("{\"a\": 2147483647}").positiveInt("a")).isEqualTo(Integer.MAX_VALUE);
    JsonConfig wrong = config("{\"a\": \"x\"}");
    assertThatThrownBy(() -> wrong.positiveIntOr("a", 7)).hasMessageContaining("found \"x\"");
  }

  @Test
  void numbersMustBeFiniteAsFloats() {
    assertThat(config("{\"eps\": 1e-5}").number("eps")).isEqualTo(1e-5);
    assertThat(config("{\"eps\": 3}").number("eps")).isEqualTo(3);
    for (String value : new String[] {"1e99", "-1e400", "\"1\"", "[]", "false"}) {
      JsonConfig config = config("{\"eps\": " + value + "}");
      assertThatThrownBy(() -> config.number("eps"))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("eps: expected a number within float32's range, found");
    }
    for (String value : new String[] {"NaN", "Infinity", "-Infinity"}) {
      JsonConfig config = config("{\"eps\": " + value + "}");
      refused(
          () -> config.number("eps"),
          "eps: expected a number within float32's range, found " + value);
      refused(() -> config.positiveInt("eps"), "eps: expected a positive integer, found " + value);
    }
  }

  @Test
  void fieldsThatAreNotReadMayHoldAnythingThatPythonWrites() {
    String[] values = {
      "NaN",
      "Infinity",
      "-Infinity",
      "[1, {\"x\": [NaN, -Infinity]}]",
      "1e999",
      "1" + "0".repeat(5_000),
      "0." + "1".repeat(5_000),
      "\"" + "x".repeat(100_000) + "\"",
      "{\"" + "y".repeat(100_000) + "\": 1}",
      "[".repeat(900) + "]".repeat(900)
    };
    for (String value : values) {
      assertThat(config("{\"other\": " + value + ", \"n\": 7}").positiveInt("n")).isEqualTo(7);
    }
  }

  @Test
  void theErrorForTextThatIsNotJsonShowsItsPlaceAndNothingOfTheParser() {
    String[][] cases = {
      {"{\"a\": 1", "the end of the text at line 1, column 8"},
      {"{\"a\": \"x", "the end of the text at line 1, column 9"},
      {"{\"a\": [1,\n2}", "\"}\" at line 2, column 2"},
      {"{\"a\": 1}}", "\"}\" at line 1, column 9"},
      {"{\"a\": 1} {\"b\": 2}", "more after its end: {\"b\":2}"},
      {"{\"a\": 1,\n b: 2}", "\"b: 2}\" at line 2, column 2"},
      {"{\"a\": tru}", "\"tru}\" at line 1, column 7"},
      {"{'a': 1}", "\"'a': 1}\" at line 1, column 2"},
      {"{\"a\": 01}", "\"1}\" at line 1, column 8"},
      {"{\"a\": +1}", "\"1}\" at line 1, column 8"},
      {"{\"a\": 1.}", "\".}\" at line 1, column 8"},
      {"{\"a\": 1, \"a\": 2}", "\"a\" a second time at line 1, column 10"},
      {"{\"b\": {\"a\": 1, \"a\": 2}}", "\"a\" a second time at line 1, column 16"},
      {"{\"a\": \"x\ty\"}", "\"?y\"}\" at line 1, column 9"},
      {"{\"a\": [" + "[".repeat(100_000), "more than 1000 levels of nesting"},
      {"<!DOCTYPE html><html>", "\"<!DOCTYPE ht\" at line 1, column 1"},
      {"", "nothing"}
    };
    for (String[] c : cases) {
      refused(() -> config(c[0]), "content: expected valid JSON, found " + c[1]);
    }
  }

  @Test
  void stringsBooleansAndChoicesSayWhatTheyExpected() {
    JsonConfig config = config("{\"act\": \"gelu\", \"tie\": 1, \"n\": 5}");
    refused(() -> config.oneOf("act", "silu"), "act: expected silu, found \"gelu\"");
    refused(
        () -> config.oneOf("act", "silu", "relu"),
        "act: expected one of silu, relu, found \"gelu\"");
    refused(() -> config.oneOf("nope", "silu"), "nope: expected silu, found no such field");
    refused(() -> config.bool("tie"), "tie: expected true or false, found 1");
    refused(() -> config.string("n"), "n: expected a string, found 5");
    refused(() -> config.object("n"), "n: expected an object, found 5");
    assertThat(config.boolOr("none", true)).isTrue();
    assertThat(config.stringOr("none", "x")).isEqualTo("x");
  }

  @Test
  void endTokensAreOneIdOrAListOfIds() {
    assertThat(config("{\"eos_token_id\": 3}").ints("eos_token_id")).containsExactly(3);
    assertThat(config("{\"eos_token_id\": [3, 0]}").ints("eos_token_id")).containsExactly(3, 0);
    assertThat(config("{\"eos_token_id\": null}").intsOrNone("eos_token_id")).isEmpty();
    for (String value : new String[] {"-1", "[1,-1]", "[1,\"2\"]", "1.5", "[[1]]"}) {
      JsonConfig config = config("{\"eos_token_id\": " + value + "}");
      refused(
          () -> config.ints("eos_token_id"),
          "eos_token_id: expected a non-negative integer or a list of them, found " + value);
    }
  }

  @Test
  void filesThatAreNoJsonObjectAreRefusedWithThePlace() throws IOException {
    refused(() -> config("[1]"), "content: expected a JSON object, found [1]");
    assertThatThrownBy(() -> config("\u0000")).hasMessageContaining("valid JSON, found \"?\"");
    Path file = Files.write(directory.resolve("config.json"), new byte[] {'"', (byte) 0xFF, '"'});
    assertThatThrownBy(() -> JsonConfig.read(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("UTF-8");
    Path none = directory.resolve("generation_config.json");
    assertThatThrownBy(() -> JsonConfig.read(none)).hasMessage(none + ": no such file");
  }
}
