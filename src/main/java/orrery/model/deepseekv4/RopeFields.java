package orrery.model.deepseekv4;

import static orrery.model.ConfigChecks.require;

import orrery.attention.YarnFrequencies;
import orrery.checkpoint.JsonConfig;

/**
 * The rotary part of a config. There are two kinds of positions: {@code main} for layers with a
 * window alone, {@code compress} for layers that compress. DeepSeek's fields, which transformers
 * reads too, give each kind a base; {@code rope_scaling} is for {@code compress} alone.
 * transformers writes {@code rope_parameters} with an object for each kind. These objects decide
 * then, as in transformers, whose fields at top level may hold defaults that were not meant.
 *
 * @param rotaryDim how many of the last columns of a head are rotated
 */
record RopeFields(int rotaryDim, RopeSpec main, RopeSpec compress) {
  private static final double THETA = 10_000;
  private static final double COMPRESS_THETA = 160_000;
  private static final double ROTARY_FACTOR = 0.125;
  private static final String PARAMETERS = "rope_parameters";
  private static final String SCALING = "rope_scaling";
  private static final String PARTIAL = "partial_rotary_factor";
  private static final String COLUMNS = "qk_rope_head_dim";

  static RopeFields read(JsonConfig c, int headDim) {
    if (c.has(PARAMETERS)) {
      c.requireAbsent(SCALING);
      JsonConfig rope = c.object(PARAMETERS);
      if (rope.has("main") || rope.has("compress")) {
        return nested(c, rope.object("main"), rope.object("compress"), headDim);
      }
      return flat(c, rope, headDim);
    }
    return flat(c, c.optionalObject(SCALING).orElse(null), headDim);
  }

  /**
   * @param rope fields of {@code compress}, or null
   */
  private static RopeFields flat(JsonConfig c, JsonConfig rope, int headDim) {
    int rotary = columns(c, headDim);
    double theta = theta(c, "rope_theta", THETA);
    double compress = theta(c, "compress_rope_theta", COMPRESS_THETA);
    RopeSpec main = new RopeSpec(theta, null, 1);
    if (rope == null) {
      return new RopeFields(rotary, main, new RopeSpec(compress, null, 1));
    }
    double same = rope.numberOr("rope_theta", theta);
    require(same == theta, rope, "rope_theta", theta + ", as rope_theta says", "" + same);
    int others = columns(rope, PARTIAL, headDim, rotary);
    require(others == rotary, rope, PARTIAL, rotary + " columns", others + " columns");
    return new RopeFields(rotary, main, spec(c, rope, compress, 1));
  }

  private static RopeFields nested(
      JsonConfig c, JsonConfig main, JsonConfig compress, int headDim) {
    boolean own = main.has(PARTIAL) && compress.has(PARTIAL);
    int top = own ? 0 : columns(c, headDim);
    int rotary = columns(main, PARTIAL, headDim, top);
    int others = columns(compress, PARTIAL, headDim, top);
    require(others == rotary, compress, PARTIAL, "the " + rotary + " of main", "" + others);
    double theta = theta(c, "rope_theta", THETA);
    return new RopeFields(
        rotary,
        spec(c, main, theta(main, "rope_theta", theta), Float.NaN),
        spec(c, compress, theta(compress, "rope_theta", theta), Float.NaN));
  }

  /**
   * @param factor of cosines and sines if YaRN's field does not say it; NaN: YaRN's own formula
   */
  private static RopeSpec spec(JsonConfig c, JsonConfig rope, double theta, float factor) {
    String type = rope.has("rope_type") ? "rope_type" : "type";
    if (!rope.has(type)) {
      rope.requireAbsent("factor"); // the type was probably forgotten
      return new RopeSpec(theta, null, 1);
    }
    if (rope.oneOf(type, "default", "yarn").equals("default")) {
      return new RopeSpec(theta, null, 1);
    }
    YarnFrequencies yarn = yarn(c, rope);
    rope.requireAbsent("mscale");
    rope.requireAbsent("mscale_all_dim");
    require(rope.boolOr("truncate", true), rope, "truncate", "true", "false");
    double own = Float.isNaN(factor) ? 0.1 * StrictMath.log(yarn.factor()) + 1 : factor;
    float given = (float) rope.numberOr("attention_factor", own);
    require(given > 0, rope, "attention_factor", "a number above 0", "" + given);
    return new RopeSpec(theta, yarn, given);
  }

  private static YarnFrequencies yarn(JsonConfig c, JsonConfig rope) {
    double factor = rope.number("factor");
    require(factor >= 1, rope, "factor", "a number of at least 1", rope.shown("factor"));
    String positions = "original_max_position_embeddings";
    int original =
        rope.has(positions)
            ? rope.positiveInt(positions)
            : c.positiveInt("max_position_embeddings");
    double slow = rope.numberOr("beta_slow", 1);
    require(slow > 0, rope, "beta_slow", "a number above 0", rope.shown("beta_slow"));
    double fast = rope.numberOr("beta_fast", 32);
    require(fast >= slow, rope, "beta_fast", "at least beta_slow " + slow, rope.shown("beta_fast"));
    return new YarnFrequencies(factor, original, fast, slow);
  }

  private static double theta(JsonConfig c, String field, double fallback) {
    double theta = c.numberOr(field, fallback);
    // else later pairs would turn faster than the first, or all equally fast
    require(theta > 1, c, field, "a number above 1", "" + theta);
    return theta;
  }

  /** Rotated columns, by either of the two fields at top level. */
  private static int columns(JsonConfig c, int headDim) {
    if (!c.has(COLUMNS)) {
      return columns(c, PARTIAL, headDim, (int) (headDim * ROTARY_FACTOR));
    }
    int columns = c.positiveInt(COLUMNS);
    int same = columns(c, PARTIAL, headDim, columns);
    require(same == columns, c, PARTIAL, columns + ", as " + COLUMNS + " says", "" + same);
    return columns;
  }

  private static int columns(JsonConfig c, String field, int headDim, int fallback) {
    int columns = c.has(field) ? (int) (headDim * c.number(field)) : fallback;
    String named = c.has(COLUMNS) && !c.has(field) ? COLUMNS : field;
    require(
        columns >= 2 && columns % 2 == 0 && columns <= headDim,
        c,
        named,
        "an even number of rotated columns, 2 to head_dim " + headDim,
        columns + " columns");
    return columns;
  }
}
