package orrery.model.deepseekv4;

import static orrery.model.ConfigChecks.require;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import orrery.checkpoint.JsonConfig;
import orrery.model.deepseekv4.LayerPlan.Attention;

/**
 * The kinds of the layers. DeepSeek gives a ratio for each layer, in which 4 means CSA and any
 * other number HCA. transformers names the kinds and gives each kind a ratio, which may be any
 * number. A config may say it in both ways if they agree.
 */
final class ScheduleFields {
  /** A ratio sizes a table of the compressor and the unit of pages. */
  private static final int MOST_RATIO = 1 << 16;

  private static final int MOST_UNIT = 1 << 24; // tokens of the smallest page

  private static final int CSA_RATIO = 4; // in compress_ratios
  private static final int HCA_RATIO = 128;
  private static final int HASH_LAYERS = 3; // transformers' default
  private static final String RATIOS = "compress_ratios";
  private static final String RATES = "compress_rates";
  private static final String KINDS = "layer_types";
  private static final String ROUTING = "mlp_layer_types";
  private static final String HASHED = "num_hash_layers";

  private ScheduleFields() {}

  /** Returns one plan for each of {@code layers} layers. */
  static List<LayerPlan> read(JsonConfig c, int layers) {
    List<LayerPlan> plans = plans(c, layers);
    requireUnit(c, plans);
    return plans;
  }

  private static List<LayerPlan> plans(JsonConfig c, int layers) {
    boolean[] hashed = hashed(c, layers);
    Map<Attention, Integer> rates = rates(c);
    List<String> kinds = c.stringsOrNone(KINDS);
    if (kinds.isEmpty()) {
      // transformers would take a default here, which is the schedule of no released model.
      require(c.has(RATIOS), c, KINDS, "the kind of each layer, or " + RATIOS, "neither");
      return fromRatios(c, layers, hashed);
    }
    require(kinds.size() == layers, c, KINDS, layers + " kinds", "" + kinds.size());
    List<LayerPlan> plans =
        IntStream.range(0, layers)
            .mapToObj(l -> plan(kind(c, kinds.get(l)), rates, hashed[l]))
            .toList();
    if (c.has(RATIOS)) {
      List<LayerPlan> others = fromRatios(c, layers, hashed);
      require(others.equals(plans), c, RATIOS, "the layers of " + KINDS, c.shown(RATIOS));
    }
    return plans;
  }

  private static LayerPlan plan(Attention kind, Map<Attention, Integer> rates, boolean hashed) {
    return new LayerPlan(kind, kind.compresses() ? rates.get(kind) : 0, hashed);
  }

  private static Attention kind(JsonConfig c, String name) {
    List<String> known = Arrays.stream(Attention.values()).map(k -> k.field).toList();
    require(known.contains(name), c, KINDS, "each one of " + String.join(", ", known), name);
    return Attention.values()[known.indexOf(name)];
  }

  /**
   * Entries behind those of the layers are the MTP layers', which compress nothing. Without an MTP
   * layer they mean nothing, and transformers cuts them off.
   */
  private static List<LayerPlan> fromRatios(JsonConfig c, int layers, boolean[] hashed) {
    int[] ratios = c.ints(RATIOS);
    require(ratios.length >= layers, c, RATIOS, "at least " + layers, "" + ratios.length);
    boolean mtp = c.nonNegativeIntOr(ConfigFields.MTP, 1) > 0;
    for (int l = layers; l < ratios.length && mtp; l++) {
      require(ratios[l] == 0, c, RATIOS, "0 after the " + layers + " layers", "" + ratios[l]);
    }
    return IntStream.range(0, layers).mapToObj(l -> fromRatio(c, ratios[l], hashed[l])).toList();
  }

  private static LayerPlan fromRatio(JsonConfig c, int ratio, boolean hashed) {
    requireRatio(c, RATIOS, ratio);
    if (ratio == 0) {
      return new LayerPlan(Attention.SWA, 0, hashed);
    }
    Attention kind = ratio == CSA_RATIO ? Attention.CSA : Attention.HCA;
    if (c.has(RATES) || c.has(legacy(kind))) {
      int rate = rates(c).get(kind);
      String field = c.has(legacy(kind)) ? legacy(kind) : RATES;
      require(
          rate == ratio,
          c,
          field,
          kind.field + " " + ratio + ", as " + RATIOS + " says",
          "" + rate);
    }
    return new LayerPlan(kind, ratio, hashed);
  }

  private static String legacy(Attention kind) {
    return kind == Attention.CSA ? "compress_rate_csa" : "compress_rate_hca";
  }

  /** The ratio of each kind that compresses. */
  private static Map<Attention, Integer> rates(JsonConfig c) {
    Map<Attention, Integer> rates = new EnumMap<>(Attention.class);
    rates.put(Attention.CSA, rate(c, Attention.CSA, CSA_RATIO));
    rates.put(Attention.HCA, rate(c, Attention.HCA, HCA_RATIO));
    return rates;
  }

  private static int rate(JsonConfig c, Attention kind, int fallback) {
    JsonConfig at = c.optionalObject(RATES).orElse(c);
    String field = at == c ? legacy(kind) : kind.field;
    int rate = at.positiveIntOr(field, fallback);
    if (c.has(legacy(kind))) {
      int other = c.positiveInt(legacy(kind));
      require(!at.has(field) || other == rate, c, legacy(kind), "" + rate, "" + other);
      rate = other;
    }
    requireRatio(at, field, rate);
    return rate;
  }

  private static void requireRatio(JsonConfig c, String field, int ratio) {
    require(ratio <= MOST_RATIO, c, field, "ratios of at most " + MOST_RATIO, "" + ratio);
  }

  /** A page holds whole entries of every layer, so its tokens are a multiple of every ratio. */
  private static void requireUnit(JsonConfig c, List<LayerPlan> plans) {
    String field = c.has(RATIOS) ? RATIOS : c.has(RATES) ? RATES : legacy(Attention.HCA);
    long unit = 1; // least common multiple of the ratios
    for (LayerPlan plan : plans) {
      int ratio = Math.max(1, plan.ratio());
      unit = unit / divisor(unit, ratio) * ratio;
      String expected = "ratios with a common multiple of at most " + MOST_UNIT;
      require(unit <= MOST_UNIT, c, field, expected, c.shown(field));
    }
  }

  /** The greatest common divisor (Euclid). */
  private static long divisor(long a, long b) {
    return b == 0 ? a : divisor(b, a % b);
  }

  private static boolean[] hashed(JsonConfig c, int layers) {
    boolean[] hashed = new boolean[layers];
    List<String> routing = c.stringsOrNone(ROUTING);
    // A model with fewer layers than that has hash layers only, as in both other readers.
    int first = Math.min(layers, c.nonNegativeIntOr(HASHED, HASH_LAYERS));
    if (routing.isEmpty()) {
      Arrays.fill(hashed, 0, first, true);
      return hashed;
    }
    require(routing.size() == layers, c, ROUTING, layers + " kinds", "" + routing.size());
    for (int l = 0; l < layers; l++) {
      String kind = routing.get(l);
      boolean known = kind.equals("hash_moe") || kind.equals("moe");
      require(known, c, ROUTING, "each hash_moe or moe", kind);
      hashed[l] = kind.equals("hash_moe");
      require(
          !c.has(HASHED) || hashed[l] == l < first,
          c,
          HASHED,
          "the layers of " + ROUTING,
          c.shown(HASHED));
    }
    return hashed;
  }
}
