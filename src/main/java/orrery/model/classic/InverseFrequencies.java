package orrery.model.classic;

import java.util.List;
import orrery.attention.RopeTable;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.Tensor;

/**
 * Rotary frequencies, {@code rotary_emb.inv_freq}, that some exporters write beside the weights.
 * They follow from the config, and Orrery uses the config's. If a tensor has other frequencies, one
 * of the two is wrong, and a notice tells it.
 */
final class InverseFrequencies {
  private static final float ROUNDING = 0x1p-7f; // of bfloat16, toward zero

  private InverseFrequencies() {}

  static void compare(Checkpoint checkpoint, ClassicConfig c) {
    List<Tensor> others =
        checkpoint.infos().stream()
            .filter(info -> info.name().endsWith("rotary_emb.inv_freq"))
            .map(info -> checkpoint.tensor(info.name(), info.shape()))
            .filter(stored -> !follows(stored, c))
            .toList();
    if (!others.isEmpty()) {
      Tensor first = others.getFirst();
      checkpoint.notice(
          first.file(),
          first.item()
              + (others.size() > 1 ? " and " + (others.size() - 1) + " like it" : "")
              + ": not used, since config.json gives other frequencies (rope_theta "
              + c.ropeTheta()
              + ", "
              + c.rotaryDim()
              + " rotated columns)");
    }
  }

  private static boolean follows(Tensor stored, ClassicConfig c) {
    if (stored.info().elements() != (c.rotaryDim() + 1) / 2) {
      return false;
    }
    for (int i = 0; i < stored.info().elements(); i++) {
      float expected = RopeTable.inverseFrequency(i, c.rotaryDim(), c.ropeTheta());
      if (!(Math.abs(stored.getFloat(i) - expected) <= ROUNDING * expected)) {
        return false;
      }
    }
    return true;
  }
}
