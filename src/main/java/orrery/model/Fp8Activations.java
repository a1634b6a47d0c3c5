package orrery.model;

import java.util.function.IntFunction;
import orrery.graph.ActivationDtype;
import orrery.graph.Capture;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;

/**
 * A model whose products with quantised weights multiply rows that are rounded to FP8: the same
 * weights, and other answers. All else is the model's own.
 */
public final class Fp8Activations implements Model {
  private final Model model;

  private Fp8Activations(Model model) {
    this.model = model;
  }

  /** The model with activations of this kind. */
  public static Model of(Model model, ActivationDtype dtype) {
    return dtype == ActivationDtype.FP8 ? new Fp8Activations(model) : model;
  }

  @Override
  public ModelSpec config() {
    return model;
  }

  @Override
  public IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
    IntFunction<Forward> bound = model.bind(cache, maxLogitRows);
    return rows -> new RoundedForward(bound.apply(rows));
  }

  /** Whether FP8 activations make another model of this one: some products are quantised. */
  public static boolean matter(Model model) {
    return new Fp8Activations(model).bytes(model.hasMtp(), 1) > 0;
  }

  /** What the model takes, and the rounded rows. */
  @Override
  public Activations activations(boolean mtp, int slots) {
    Activations a = model.activations(mtp, slots);
    long row = bytes(mtp, 0);
    long both = bytes(mtp, 1);
    return new Activations(
        a.row() + row, a.logitRow() + both - row, a.positions(), a.thread(), a.ops(), a.opsRow());
  }

  /** Bytes of the rounded buffers of a forward pass of one row, found by recording it. */
  private long bytes(boolean mtp, int logitRows) {
    KvLayout layout = model.kvLayout(mtp, KvDtype.F32);
    int page = layout.wholeRows(1);
    RoundedForward forward =
        new RoundedForward(model.bind(new KvCache(layout, page, page, 1), logitRows).apply(1));
    Capture.of(forward::main);
    if (mtp) {
      Capture.of(forward::mtp);
    }
    return forward.bytes();
  }
}
