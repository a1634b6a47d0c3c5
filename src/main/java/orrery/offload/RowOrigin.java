package orrery.offload;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.StringJoiner;
import orrery.graph.ActivationDtype;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.options.Options;

/**
 * What the rows of a KV cache depend on beside the tokens, in words. {@link BlockKey#root} begins
 * the names of all parts with it. So another model, another format of rows or another page size has
 * other names, and a part is never read by an engine that would have computed other bytes.
 *
 * <pre>
 *   rows 1
 *   model 5d0c…                                  {@link orrery.checkpoint.ModelFingerprint}
 *   activation-dtype f32
 *   page-size 16
 *   layers.0.key 64 floats, row of 1, keeps all, needs all, F32 0 0
 *   …
 * </pre>
 *
 * <p>Switches that only change speed are not in it: they change no bit.
 */
public final class RowOrigin {
  /**
   * Version of the rows. It must be raised when a release computes other bits for the same model,
   * or when {@link PartLayout} or the pages of {@link orrery.kv.KvGeometry} have another order: the
   * parts that older releases stored are then not found any more. {@code RowOriginTest} notices
   * both.
   */
  static final int VERSION = 1;

  private RowOrigin() {}

  /**
   * The words for a cache.
   *
   * @param model fingerprint of config and weights
   * @param pageTokens P
   */
  public static String of(
      String model, ActivationDtype activations, KvLayout layout, int pageTokens) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("rows", Integer.toString(VERSION));
    all.put("model", model);
    all.putAll(properties(activations, layout, pageTokens));
    StringJoiner lines = new StringJoiner("\n");
    all.forEach((name, value) -> lines.add(name + " " + value));
    return lines.toString();
  }

  /** The words for a cache without those for the model, by name. */
  public static Map<String, String> properties(
      ActivationDtype activations, KvLayout layout, int pageTokens) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("rows", Integer.toString(VERSION));
    all.put("activation-dtype", Options.word(activations));
    all.put("page-size", Integer.toString(pageTokens));
    layout.streams().forEach(stream -> all.put(stream.name(), words(stream)));
    return all;
  }

  private static String words(Stream s) {
    return "%d floats, row of %s, keeps %s, needs %s, %s %d %d"
        .formatted(
            s.width(),
            s.tokensPerRow() == Stream.PER_PAGE ? "a page" : s.tokensPerRow(),
            s.keeps() == Stream.ALL ? "all" : s.keeps(),
            s.needs() == Stream.ALL ? "all" : s.needs(),
            s.format().codes(),
            s.format().block(),
            s.format().tail());
  }
}
