package orrery.model.deepseekv4;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import orrery.NaiveV4;
import orrery.RandomV4;
import orrery.engine.LoadedModel;
import orrery.graph.ActivationDtype;
import orrery.kernels.VectorKernels;
import orrery.kv.KvDtype;
import orrery.model.Model;
import orrery.model.Session;
import orrery.model.Session.Rows;
import orrery.model.Steps;

/**
 * A random model with tokens and what its oracle says of them.
 *
 * @param dtype of its cached rows
 * @param ids [LENGTH]
 * @param logits [LENGTH][vocab] of the oracle
 */
record RandomCase(
    RandomV4 kind, KvDtype dtype, Model model, NaiveV4 naive, int[] ids, float[][] logits) {
  static final int LENGTH = 60;
  static final int VOCAB = 61;

  static RandomCase of(RandomV4 kind) {
    return of(kind, KvDtype.F32);
  }

  static RandomCase of(RandomV4 kind, KvDtype dtype) {
    Path directory = kind.directory();
    int[] ids = new Random(7).ints(LENGTH, 0, VOCAB).toArray();
    NaiveV4 naive = new NaiveV4(directory, true, dtype, ActivationDtype.F32);
    Model model = LoadedModel.load(directory).model();
    return new RandomCase(kind, dtype, model, naive, ids, naive.logits(ids));
  }

  Steps how(int pages) {
    return new Steps(model, new VectorKernels(), 1, true, pages * kind.unit, dtype);
  }

  Session session(int pages, int sequences) {
    return new Session(how(pages), model.kvLayout(false, dtype), 96, sequences);
  }

  /** Feeds tokens in pieces of 1 to {@code most} tokens; settles each. */
  void feed(Session session, int sequence, int from, int to, int most, Random r) {
    for (int at = from; at < to; ) {
      int n = Math.min(1 + r.nextInt(most), to - at);
      Rows rows = session.feed(sequence, at, Arrays.copyOfRange(ids, at, at + n));
      requireBits(rows.logits(), at, kind + ", " + dtype + ", tokens from " + at + ", " + n);
      at += n;
      session.settle(sequence, at, at);
    }
  }

  void requireBits(float[][] rows, int from, String what) {
    for (int t = 0; t < rows.length; t++) {
      assertThat(rows[t]).as("%s, row %d", what, t).isEqualTo(logits[from + t]);
    }
  }
}
