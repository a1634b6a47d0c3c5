package orrery;

import java.nio.file.Path;
import orrery.checkpoint.JsonConfig;
import orrery.graph.ActivationDtype;
import orrery.kv.KvDtype;
import orrery.model.classic.ClassicConfig;

/**
 * A model in plain loops: no cache, no batch, no vectors, no threads. The engine must always give
 * its numbers, to the bit. Each architecture has one of its own.
 */
public interface Oracle {
  /** The oracle for the architecture that {@code config.json} names. */
  static Oracle of(Path model) {
    return of(model, KvDtype.F32, ActivationDtype.F32);
  }

  /** The oracle whose cached rows would be of this dtype. */
  static Oracle of(Path model, KvDtype dtype) {
    return of(model, dtype, ActivationDtype.F32);
  }

  /** The same, where products with quantised weights multiply activations of this kind. */
  static Oracle of(Path model, KvDtype dtype, ActivationDtype activations) {
    String type = JsonConfig.read(model.resolve("config.json")).string("model_type");
    return switch (type) {
      case ClassicConfig.ARCHITECTURE -> new Naive(model, dtype, activations);
      case "deepseek_v4" -> new NaiveV4(model, true, dtype, activations);
      default -> throw new IllegalArgumentException(model + ": no oracle for " + type);
    };
  }

  /** States of all tokens after the embedding and after every layer, [layers+1][tokens][width]. */
  float[][][] streams(int[] ids);

  /** What the main model hands over to an MTP layer, [tokens][width]. */
  float[][] states(int[] ids);

  /** Logits of every position, [tokens][vocab]. */
  float[][] logits(int[] ids);

  /** MTP logits, [tokens-1][vocab]: row p pairs the state of p with token p+1 and predicts p+2. */
  float[][] mtpLogits(int[] ids);

  /** Logits of the token that follows, [vocab]. */
  default float[] next(int[] ids) {
    return logits(ids)[ids.length - 1];
  }
}
