package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.graph.ActivationDtype;
import orrery.kernels.Team;
import orrery.kv.KvDtype;
import orrery.model.Fp8Activations;
import orrery.model.Model;

/**
 * A model with its numbers in some formats.
 *
 * @param loaded with the weights in their format
 * @param activations what products with quantised weights multiply
 * @param rows how cached rows are stored
 */
record FormatVariant(String name, LoadedModel loaded, ActivationDtype activations, KvDtype rows) {
  private static final int PREFILL = 256; // most rows of a chunk
  private static final double SECONDS = 0.4; // of each variant and shape

  /**
   * A step to time.
   *
   * @param name for the table
   * @param requests in the step
   * @param each rows of each request
   * @param context tokens behind these rows
   */
  record Shape(String name, int requests, int each, int context) {
    /** A decoding step that reads {@code tokens} tokens of each request, its own included. */
    static Shape decode(int requests, int tokens) {
      return new Shape("batch " + requests, requests, 1, tokens - 1);
    }

    /** The last chunk of a prompt of {@code tokens} tokens. */
    static Shape prefill(int tokens) {
      int rows = Math.min(PREFILL, tokens);
      return new Shape("prefill", 1, rows, tokens - rows);
    }
  }

  /** The model as it computes. */
  Model model() {
    return Fp8Activations.of(loaded.model(), activations);
  }

  /** The options of an engine with these formats. */
  EngineOptions options(Subject s) {
    return s.options()
        .withKv(kv -> kv.withKvCacheDtype(rows))
        .withCompute(c -> c.withActivationDtype(activations));
  }

  /** Lets the JIT compile what the measured steps run; every format has loops of its own. */
  static void warmUp(Subject s, List<FormatVariant> all, Shape... shapes) {
    for (Shape shape : shapes) {
      if (!s.settings().quick()) {
        times(s, all, shape);
      }
    }
  }

  /** Times a step of each variant alternately; rates are rows a second. */
  static List<Trial.Timing> times(Subject s, List<FormatVariant> all, Shape shape) {
    double seconds = s.settings().quick() ? 0.01 : SECONDS;
    try (Team team = new Team(s.settings().threads())) {
      List<Trial.Variant> jobs = new ArrayList<>();
      for (FormatVariant v : all) {
        DecodeStep step =
            new DecodeStep(
                v.model(), team, shape.requests, shape.each, shape.context, v.rows, s.draw());
        double rows = shape.requests * shape.each;
        jobs.add(new Trial.Variant(v.name, rows, Trial.Job.of(step::run)));
      }
      return Trial.run(jobs, seconds);
    }
  }
}
