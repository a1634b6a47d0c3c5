package orrery.model;

import java.util.OptionalInt;
import java.util.function.ToIntBiFunction;
import orrery.checkpoint.JsonConfig;
import orrery.quantization.WeightFormat;

/** What the readers of configs have in common: checks that refuse a field by its name. */
public final class ConfigChecks {
  /** Most layers of a model: more would take long to count, and no model has them. */
  public static final int MOST_LAYERS = 10_000;

  private static final int MOST_EXPERTS = 1_000_000; // of all layers

  private ConfigChecks() {}

  /**
   * Refuses a field unless something holds.
   *
   * @throws orrery.checkpoint.CheckpointException naming the field
   */
  public static void require(
      boolean holds, JsonConfig c, String field, String expected, String found) {
    if (!holds) {
      throw c.bad(field, expected, found);
    }
  }

  /** Refuses a product of widths that is no int: it would overflow to a plausible width. */
  public static void requireProduct(JsonConfig c, String field, int n, String other, int width) {
    int most = Integer.MAX_VALUE / width;
    require(n <= most, c, field, "at most " + most + " with " + other + " " + width, "" + n);
  }

  /** A required number of layers, of which a model can have {@link #MOST_LAYERS}. */
  public static int layers(JsonConfig c, String field) {
    int layers = c.positiveInt(field);
    require(layers <= MOST_LAYERS, c, field, "at most " + MOST_LAYERS, "" + layers);
    return layers;
  }

  /** Refuses more experts than all layers of a model can have together. */
  public static void requireExperts(JsonConfig c, String field, int experts, int layers) {
    int most = MOST_EXPERTS / layers;
    require(
        experts <= most,
        c,
        field,
        "at most " + most + " with num_hidden_layers " + layers,
        "" + experts);
  }

  /** A number above 0, or {@code fallback} if the field is absent. */
  public static float positive(JsonConfig c, String field, double fallback) {
    float value = (float) c.numberOr(field, fallback);
    require(value > 0, c, field, "a number above 0", c.shown(field));
    return value;
  }

  /** A number above 0 and below 1, or {@code fallback} if the field is absent. */
  public static float epsilon(JsonConfig c, String field, double fallback) {
    float eps = (float) c.numberOr(field, fallback);
    require(eps > 0 && eps < 1, c, field, "a number above 0 and below 1", c.shown(field));
    return eps;
  }

  /** The value of a field that has two names; a config may have either, both or none. */
  public static OptionalInt sameInt(
      JsonConfig c, String name, String alias, ToIntBiFunction<JsonConfig, String> read) {
    if (c.has(name) && c.has(alias)) {
      int value = read.applyAsInt(c, name);
      int other = read.applyAsInt(c, alias);
      require(value == other, c, alias, value + ", as " + name + " says", "" + other);
    }
    String there = c.has(name) ? name : alias;
    return c.has(there) ? OptionalInt.of(read.applyAsInt(c, there)) : OptionalInt.empty();
  }

  /** Refuses any other value of a field that a model understands in one way only. */
  public static void only(JsonConfig c, String field, String value) {
    if (c.has(field)) {
      c.oneOf(field, value);
    }
  }

  /** As {@link #only(JsonConfig, String, String)}, for a boolean. */
  public static void only(JsonConfig c, String field, boolean value) {
    if (c.boolOr(field, value) != value) {
      throw c.bad(field, "" + value, c.shown(field));
    }
  }

  /** As {@link #only(JsonConfig, String, String)}, for an integer. */
  public static void only(JsonConfig c, String field, int value) {
    if (c.intOr(field, value) != value) {
      throw c.bad(field, "" + value, c.shown(field));
    }
  }

  /** How matrices are kept in memory, as far as {@code dtype} tells: bf16 as it is, else as f32. */
  public static WeightFormat format(JsonConfig c) {
    Object dtype = c.any(c.has("dtype") ? "dtype" : "torch_dtype");
    return "bfloat16".equals(dtype) ? WeightFormat.BF16 : WeightFormat.F32;
  }
}
