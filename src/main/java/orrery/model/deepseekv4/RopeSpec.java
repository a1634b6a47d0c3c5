package orrery.model.deepseekv4;

import orrery.attention.LatentRope;
import orrery.attention.RopeTable;
import orrery.attention.YarnFrequencies;

/**
 * Rotary positions of a kind of layers.
 *
 * @param theta base of the frequencies
 * @param yarn how they are stretched for longer contexts, or null
 * @param factor of cosines and sines; 1 in every released model
 */
public record RopeSpec(double theta, YarnFrequencies yarn, float factor) {
  /** The angles of positions 0 to {@code positions} - 1. */
  LatentRope table(int positions, int rotaryDim) {
    float[] frequencies =
        yarn == null
            ? RopeTable.inverseFrequencies(rotaryDim, theta)
            : yarn.inverseFrequencies(rotaryDim, theta);
    RopeTable table = RopeTable.of(positions, frequencies, true);
    if (factor != 1) {
      for (int i = 0; i < table.cos().length; i++) {
        table.cos()[i] *= factor;
        table.sin()[i] *= factor;
      }
    }
    return LatentRope.of(table);
  }
}
