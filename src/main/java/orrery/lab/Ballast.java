package orrery.lab;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.JsonConfig;
import orrery.checkpoint.JsonText;
import orrery.checkpoint.SafetensorsWriter;
import orrery.checkpoint.TensorInfo;
import orrery.checkpoint.quantized.CodedWeights;
import orrery.engine.Architectures;
import orrery.engine.Heap;
import orrery.model.FeedForwardWidth;
import orrery.model.ModelConfig;
import orrery.model.ModelInfo;
import orrery.model.ModelInfo.WeightGroup;

/**
 * Writes the <em>ballast twin</em> of a model: the same model with feed-forwards several times as
 * wide. The added weights compute nothing, but have to be read like any other weight. So a model
 * that fits a cache becomes one that streams from memory like a large model, and still gives the
 * same answers, to the bit.
 *
 * <pre>
 *   gate, up  [width][hidden]   more rows of +0:     silu(0) · 0 = +0 at every added place
 *   down      [hidden][width]   more columns of −0:  −0 · +0 = −0, and sum + −0 = sum, always
 * </pre>
 *
 * <p>The minus sign matters: a sum that is −0 stays −0 when −0 is added, but becomes +0 with +0.
 * The added columns are the end of each output's chain of multiply-adds, so the rest of the chain
 * is unchanged.
 *
 * <p>All formats have codes of both zeros, so the twin of a quantised model is quantised alike.
 */
public final class Ballast {
  private static final int CACHES = 4; // least active weights, in last-level caches
  private static final long UNKNOWN_CACHE = 32 << 20;
  private static final List<String> COPIED =
      List.of(
          "generation_config.json",
          "hf_quant_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "chat_template.jinja",
          "prompts.jsonl",
          "heldout.jsonl");

  private Ballast() {}

  /** The factor at which one token's weights are at least four times this machine's last cache. */
  public static int factorFor(ModelInfo info) {
    long cache = Machine.look().lastLevelCache();
    long wanted = CACHES * (cache > 0 ? cache : UNKNOWN_CACHE);
    long grows = 0; // bytes that a factor multiplies
    for (WeightGroup group : info.groups()) {
      boolean wide = group.role().contains("feed-forward") || group.role().contains("experts");
      grows += wide && !group.role().startsWith("mtp") ? group.activeBytes() : 0;
    }
    long rest = info.activeBytes() - grows;
    return (int) Math.max(2, (wanted - rest + grows - 1) / Math.max(1, grows));
  }

  /**
   * The factor that is taken by default, and why.
   *
   * @param factor how many times as wide
   * @param why in words, if the machine's cache would ask for a larger factor; else empty
   */
  public record Choice(int factor, String why) {}

  /** {@link #factorFor}, or the largest factor below it that {@link TwinSize#atMost} allows. */
  public static Choice choose(Path model, ModelInfo info) {
    int wanted = factorFor(info);
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      TwinSize size = TwinSize.of(checkpoint, width(model));
      int factor = size.atMost(wanted);
      String why =
          String.format(
              Locale.ROOT,
              "four times the last-level cache (%s) would take factor %d, a twin of %s",
              Heap.size(Machine.look().lastLevelCache()),
              wanted,
              Heap.size(size.bytes(wanted)));
      return new Choice(factor, factor < wanted ? why : "");
    }
  }

  /**
   * Writes the twin of {@code model} into {@code out}. If that fails, no file of the twin stays.
   *
   * @param out a new or empty directory
   * @param factor how many times as wide, at least 1
   * @throws IllegalArgumentException naming the factor, if it is below 1 or the heap has no room
   */
  public static void write(Path model, int factor, Path out) {
    if (factor < 1) {
      throw new IllegalArgumentException("factor: expected at least 1, found " + factor);
    }
    FeedForwardWidth width = width(model);
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      TwinSize size = TwinSize.of(checkpoint, width);
      size.require(factor);
      NewDirectory.require(out, "the twin", size.bytes(factor));
      SafetensorsWriter writer = new SafetensorsWriter();
      CodedWeights coded = new CodedWeights(checkpoint, config(model).quantization());
      Widening widening = new Widening(checkpoint, coded, width, factor);
      for (TensorInfo info : checkpoint.infos()) {
        Heap.making(
            "the twin's " + info.name() + ", " + factor + " times as wide",
            () -> {
              widening.add(info, writer);
              return writer;
            });
      }
      save(model, writer, width, factor, out);
    } catch (IOException e) {
      throw new UncheckedIOException(out + ": cannot be written: " + e.getMessage(), e);
    }
  }

  private static ModelConfig config(Path model) {
    return Architectures.read(model.resolve("config.json"));
  }

  private static FeedForwardWidth width(Path model) {
    FeedForwardWidth width = config(model).feedForwardWidth();
    if (width.fields().isEmpty()) {
      JsonConfig config = JsonConfig.read(model.resolve("config.json"));
      throw config.bad(
          "model_type", "a model with feed-forwards to widen", config.shown("model_type"));
    }
    return width;
  }

  private static void save(
      Path model, SafetensorsWriter writer, FeedForwardWidth width, int factor, Path out)
      throws IOException {
    NewDirectory.write(
        out,
        twin -> {
          writer.write(twin.file("model.safetensors"));
          String config = Files.readString(model.resolve("config.json"));
          Files.writeString(twin.file("config.json"), widened(config, width, factor));
          for (String name : COPIED) {
            if (Files.exists(model.resolve(name))) {
              twin.copy(model.resolve(name));
            }
          }
        });
  }

  /** The config with wider feed-forwards, every other character as it was. */
  private static String widened(String config, FeedForwardWidth widths, int factor)
      throws IOException {
    StringBuilder text = new StringBuilder();
    int copied = 0; // characters of config
    try (JsonParser in = JsonText.parser(new StringReader(config))) {
      in.nextToken();
      while (in.nextToken() == JsonToken.FIELD_NAME) {
        boolean width = widths.fields().contains(in.currentName());
        in.nextToken();
        if (width) {
          int from = Math.toIntExact(in.currentTokenLocation().getCharOffset());
          int product = times(in.currentName(), in.getIntValue(), factor);
          text.append(config, copied, from).append(product);
          copied = from + in.getTextLength();
        }
        in.skipChildren();
      }
    }
    return text.append(config, copied, config.length()).toString();
  }

  private static int times(String field, int width, int factor) {
    long product = (long) width * factor;
    if (product > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "factor: expected " + field + " to stay an int, found " + width + " times " + factor);
    }
    return (int) product;
  }
}
