package orrery.attention;

/**
 * The rotary positions of a layer with latent attention. A cached row is key and value at once, so
 * its rotated columns get into the output, which is turned back by the position of its query.
 *
 * @param turn for queries and cached rows
 * @param back the same angles backwards, for the output
 */
public record LatentRope(RopeTable turn, RopeTable back) {
  /** Both tables of the same angles. */
  public static LatentRope of(RopeTable turn) {
    return new LatentRope(turn, turn.conjugate());
  }

  /** Bytes for each position. */
  public static long bytes(int rotaryDim) {
    return RopeTable.bytes(rotaryDim) / 2 * 3; // the two tables share their cosines
  }
}
