package orrery.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.checkpoint.JsonText;

/** Texts by a schema are JSON by it, and what is not understood is refused by its name. */
class SchemaTest {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();
  private final Grammars grammars = Texts.grammars();

  private Constraint constraint(String schema) {
    try {
      return grammars.jsonSchema(JsonText.value(schema));
    } catch (IOException e) {
      throw new AssertionError(schema, e);
    }
  }

  /** One text of a constraint, drawn at random; it rather ends things than goes on. */
  private static String walk(Constraint constraint, Random random) {
    byte[] bytes = new byte[20_000]; // [length used]
    int length = 0;
    int state = Constraint.START;
    while (!constraint.closed(state)) {
      long[] mask = constraint.mask(state);
      int b = random.nextInt(128);
      if (random.nextInt(3) == 0) {
        b = "\"}],:01ae".charAt(random.nextInt(9));
      } else if (random.nextInt(5) == 0) {
        b = 128 + random.nextInt(128);
      }
      while ((mask[b >> 6] >>> b & 1) == 0) {
        b = (b + 1) % 256;
      }
      bytes[length++] = (byte) b;
      state = constraint.next(state, b);
      if (constraint.complete(state) && random.nextInt(4) == 0) {
        break; // a number that could go on
      }
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":"
            + "\"string\"}},\"required\":[\"a\",\"b\"],\"additionalProperties\":false}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"type\":"
            + "\"boolean\"},\"c\":{\"type\":\"number\"}},\"required\":[\"b\"]}",
        "{\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"type\":\"boolean\"},\"c\":{}}}",
        "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}",
        "{\"type\":\"object\",\"additionalProperties\":false}",
        "{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":-12,\"maximum\":217}}",
        "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":4},\"minItems\":2}",
        "{\"type\":\"array\",\"items\":{\"enum\":[1,\"x\",null]},\"minItems\":1,\"maxItems\":3}",
        "{\"type\":\"array\",\"maxItems\":0}",
        "{\"type\":\"string\",\"minLength\":3,\"maxLength\":5}",
        "{\"type\":\"string\",\"pattern\":\"^[a-c\\\"\\\\\\\\]{2,4}$\"}",
        "{\"type\":\"string\",\"pattern\":\"x|^y\"}",
        "{\"type\":\"string\",\"format\":\"date\"}",
        "{\"type\":\"string\",\"format\":\"time\"}",
        "{\"type\":\"string\",\"format\":\"date-time\"}",
        "{\"type\":\"string\",\"format\":\"uuid\"}",
        "{\"type\":\"integer\",\"exclusiveMinimum\":7.5,\"exclusiveMaximum\":101}",
        "{\"type\":\"integer\",\"minimum\":-1e3,\"maximum\":-99}",
        "{\"type\":[\"integer\",\"null\",\"string\"],\"minimum\":5,\"maxLength\":2}",
        "{\"enum\":[\"a\\nb\\u0001\\\"\",{\"k\":[1,2.50,true]},[],{}],\"title\":\"t\"}",
        "{\"enum\":[1,\"a\",2.5],\"type\":\"integer\"}",
        "{\"const\":{\"a\":null}}",
        "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\",\"maxLength\":3}]}",
        "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"a\"}},\"required\":"
            + "[\"k\"]},{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"b\"}},"
            + "\"required\":[\"k\"]}]}",
        "{\"allOf\":[{\"$ref\":\"#/$defs/a~1b\"}],\"$defs\":{\"a/b\":{\"type\":\"array\",\"items\":"
            + "{\"$ref\":\"#/$defs/n\"}},\"n\":{\"type\":\"boolean\"}}}",
        "{}",
        "true"
      })
  void everyTextOfASchemaIsJsonByIt(String schema) throws IOException {
    Constraint constraint = constraint(schema);
    SchemaCheck check = new SchemaCheck(JSON.readTree(schema));
    Random random = new Random(schema.hashCode());
    for (int i = 0; i < 200; i++) {
      String text = walk(constraint, random);
      JsonNode value = JSON.readTree(text);
      assertThat(check.valid(value)).as("%s by %s", text, schema).isTrue();
    }
  }

  @Test
  void everyWholeNumberBetweenTheBoundsIsATextAndNoOther() {
    Random random = new Random(5);
    for (int i = 0; i < 60; i++) {
      int low = random.nextInt(-1_200, 1_200);
      int high = low + random.nextInt(300);
      Constraint constraint =
          constraint("{\"type\":\"integer\",\"minimum\":%d,\"maximum\":%d}".formatted(low, high));
      for (int n = -1_600; n <= 1_600; n++) {
        assertThat(Texts.accepts(constraint, Integer.toString(n)))
            .as("%d from %d to %d", n, low, high)
            .isEqualTo(low <= n && n <= high);
      }
      assertThat(Texts.accepts(constraint, "-0")).isFalse();
      assertThat(Texts.accepts(constraint, "007")).isFalse();
    }
  }

  @Test
  void membersMayBeWrittenWithOrWithoutABlank() {
    Constraint c = constraint("{\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"enum\":[1]}}}");
    assertThat(Texts.accepts(c, "{\"a\":null,\"b\":1}")).isTrue();
    assertThat(Texts.accepts(c, "{\"a\": null, \"b\": 1}")).isTrue();
    assertThat(Texts.accepts(c, "{ \"a\": null }")).isTrue();
    assertThat(Texts.accepts(c, "{\"b\":1}")).isTrue();
    assertThat(Texts.accepts(c, "{}")).isTrue();
    assertThat(Texts.canGoOn(c, "{\"b\":1,")).as("the order is that of the schema").isFalse();
    assertThat(Texts.canGoOn(c, "{  ")).as("blanks without end").isFalse();
  }

  @Test
  void anyObjectHasAtMostThreeListsOrObjectsInsideEachOtherAsValues() throws IOException {
    Constraint any = grammars.jsonObject();
    Random random = new Random(9);
    for (int i = 0; i < 100; i++) {
      assertThat(JSON.readTree(walk(any, random)).isObject()).isTrue();
    }
    assertThat(Texts.accepts(any, "{\"a\": [{\"b\": [1]}]}")).isTrue();
    assertThat(Texts.canGoOn(any, "{\"a\": [{\"b\": [[")).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '\t',
      quoteCharacter = '`',
      value = {
        "{\"type\":\"number\",\"multipleOf\":2}	json_schema#: expected keywords among [type] for"
            + " type number, found \"multipleOf\"",
        "{\"type\":\"number\",\"minimum\":2}	json_schema#: expected keywords among [type] for type"
            + " number, found \"minimum\"",
        "{\"properties\":{\"a\":{\"type\":\"string\",\"format\":\"email\"}}}"
            + "	json_schema#/properties/a/format: expected one of [date, date-time, time, uuid],"
            + " found \"email\"",
        "{\"type\":\"array\",\"uniqueItems\":true}	json_schema#: expected keywords among [items,"
            + " maxItems, minItems, type] for type array, found \"uniqueItems\"",
        "{\"type\":\"array\",\"items\":[{}]}	json_schema#/items: expected a schema, found [{}]",
        "{\"type\":\"thing\"}	json_schema#/type: expected types among [object, array, string,"
            + " integer, number, boolean, null], found \"thing\"",
        "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"items\":{\"$ref\":\"#/$defs/a\"}}}}"
            + "	json_schema#/$defs/a/items/$ref: expected a schema that does not refer to itself,"
            + " found \"#/$defs/a\"",
        "{\"$ref\":\"http://a\"}	json_schema#/$ref: expected a place in the same schema, such as"
            + " #/$defs/name, found \"http://a\"",
        "{\"$ref\":\"#/x\"}	json_schema#/$ref: expected a place that the schema has, found \"#/x\"",
        "{\"anyOf\":[{}],\"type\":\"null\"}	json_schema#: expected keywords among [anyOf] beside"
            + " anyOf, found \"type\"",
        "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}	json_schema#/oneOf: expected"
            + " schemas of which no text fits two, found two that the same text fits; use anyOf",
        "{\"allOf\":[{},{}]}	json_schema#/allOf: expected one schema, found [{},{}]",
        "{\"type\":\"string\",\"pattern\":\"(?=a)\"}	json_schema#/pattern: expected what an"
            + " automaton of texts can have, found a lookahead, (?= at character 1",
        "{\"type\":\"string\",\"pattern\":\"a\",\"maxLength\":3}	json_schema#: expected pattern"
            + " without maxLength, found both",
        "{\"type\":\"string\",\"minLength\":3,\"maxLength\":2}	json_schema#/maxLength: expected at"
            + " least 3, found 2",
        "{\"type\":\"string\",\"maxLength\":-1}	json_schema#/maxLength: expected a whole number"
            + " from 0 to 10000, found -1",
        "{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}	json_schema#: expected a whole number"
            + " between the bounds, found none from 3 to 2",
        "{\"type\":\"integer\",\"minimum\":1e999999999}	json_schema#/minimum: expected a number"
            + " that a double can hold, found 1e999999999",
        "{\"type\":\"object\",\"properties\":{\"a\":{}},\"required\":[\"b\"]}"
            + "	json_schema#/required: expected names among the properties, found [\"b\"]",
        "{\"properties\":{\"a\":{}},\"additionalProperties\":{}}	json_schema#/additionalProperties:"
            + " expected true or false beside properties, found {}",
        "{\"enum\":[]}	json_schema#/enum: expected a list that is not empty, found []",
        "{\"enum\":[1],\"type\":\"string\"}	json_schema#/enum: expected a value of type [string],"
            + " found [1]",
        "false	json_schema: expected something that a text can match, found what no text matches",
        "[]	json_schema#: expected a schema, found []",
      })
  void whatIsWrongIsNamedWithItsPlace(String schema, String message) {
    assertThatThrownBy(() -> constraint(schema))
        .isInstanceOf(GrammarException.class)
        .hasMessage(message);
  }

  @Test
  @Timeout(120)
  void aHostileSchemaIsAClearErrorAndNoStall() {
    StringBuilder doubling = new StringBuilder("{\"$ref\":\"#/$defs/d40\",\"$defs\":{\"d0\":{}");
    for (int i = 1; i <= 40; i++) {
      String before = "{\"$ref\":\"#/$defs/d" + (i - 1) + "\"}";
      doubling.append(
          ",\"d" + i + "\":{\"properties\":{\"a\":" + before + ",\"b\":" + before + "}}");
    }
    refused(doubling + "}}", "at most");
    refused("{\"items\":".repeat(300) + "{}" + "}".repeat(300), "at most 50 schemas in each other");
    refused("{\"const\":" + "[".repeat(300) + "]".repeat(300) + "}", "at most 50 levels");
    refused("{\"type\":\"string\",\"maxLength\":10000}", "an automaton of at most");
    refused(
        "{\"items\":{\"items\":{\"items\":{\"minItems\":999},\"minItems\":999},"
            + "\"minItems\":999}}",
        "an automaton of at most");
    StringBuilder many = new StringBuilder("{\"properties\":{\"p\":{}");
    for (int i = 0; i < 500; i++) {
      many.append(",\"p" + i + "\":{\"type\":\"string\"}");
    }
    refused(many + "}}", "an automaton of at most");
  }

  /** Members that may all be left out have ways to be written that grow with their square. */
  @Test
  void manyMembersThatMayBeLeftOutAreRefusedBeforeAllWaysToWriteThemAreMade() {
    int members = 1_900;
    List<Syntax> all = Collections.nCopies(members, Syntax.text("\"p\":true"));
    int[] seen = new int[1];
    Size.Counter sizes = new Size.Counter();
    assertThatThrownBy(
            () ->
                JsonForms.object(
                    all,
                    new boolean[members],
                    part -> {
                      seen[0]++;
                      AutomatonBuilder.requireSmall("here", part, sizes);
                    }))
        .isInstanceOf(GrammarException.class);
    assertThat(seen[0]).isEqualTo(1);
    StringBuilder properties = new StringBuilder("{\"properties\":{\"p\":{\"type\":\"null\"}");
    for (int i = 0; i < members; i++) {
      properties.append(",\"p").append(i).append("\":{\"type\":\"null\"}");
    }
    refused(properties + "}}", "an automaton of at most");
  }

  @Test
  void partsThatAreSmallAloneAreRefusedBeforeAllAreMade() {
    String large = "{\"const\":\"" + "x".repeat(150_000) + "\"}";
    String use = "{\"$ref\":\"#/$defs/d\"}";
    String three = "{\"anyOf\":[" + use + "," + use + "," + use + ",{\"type\":\"none\"}],";
    refused(three + "\"$defs\":{\"d\":" + large + "}}", "an automaton of at most");
    refused(
        "{\"enum\":[\"" + "x".repeat(400_001) + "\"," + "[".repeat(60) + "]".repeat(60) + "]}",
        "an automaton of at most");
    String names = "{\"properties\":{\"" + "x".repeat(400_001) + "\":{\"type\":\"none\"}}}";
    refused(names, "an automaton of at most");
    assertThat(Texts.accepts(constraint("{\"properties\":{\"a\":{\"const\":1}}}"), "{}")).isTrue();
  }

  private void refused(String schema, String part) {
    assertThatThrownBy(() -> constraint(schema))
        .isInstanceOf(GrammarException.class)
        .hasMessageContaining(part);
  }
}
