package orrery.madeup;

import java.util.Random;

/**
 * The numbers of a made-up model.
 *
 * <pre>
 *   x = embedding[token]
 *   each layer:  row = W · norm(x), cached;  x += sum of the rows that it reads, near ones weigh more
 *   hidden = norm(x);  logits = head · hidden
 * </pre>
 *
 * <p>A layer reads all rows (whole), the last {@value #WINDOW} (window), or those of its token's
 * group of {@value #GROUP} and of the group before (groups). A compressed layer makes one entry of
 * each group and the group before, when the group is complete, and reads all entries.
 *
 * <p>The embedding outweighs the layers, so the next token depends mostly on the newest one. The
 * MTP layer knows that token, and its guesses are often right.
 */
public final class MadeUp {
  /** The newest tokens that a window layer reads, the token itself included. */
  public static final int WINDOW = 6;

  /** Tokens of a group. */
  public static final int GROUP = 4;

  static final int VOCAB = 61;
  static final int HIDDEN = 12;
  static final float EPS = 1e-5f;

  final String name;
  final boolean hybrid; // layers whole, window, compressed and MTP; else window and groups
  final float[][] embedding; // [VOCAB][HIDDEN]
  final float[][] head; // [VOCAB][HIDDEN]
  final float[][] whole; // [HIDDEN][HIDDEN] makes the rows of a layer, as do the next two
  final float[][] window; // [HIDDEN][HIDDEN]
  final float[][] state; // [HIDDEN][HIDDEN] of the layer with groups
  final float[][] mtpState; // [HIDDEN][HIDDEN] takes in the state of the token before
  final float[][] mtp; // [HIDDEN][HIDDEN] makes the rows of the MTP layer

  private MadeUp(String name, boolean hybrid, long seed) {
    this.name = name;
    this.hybrid = hybrid;
    Random r = new Random(seed);
    embedding = matrix(r, VOCAB, 2);
    head = matrix(r, VOCAB, 1);
    whole = matrix(r, HIDDEN, 0.1f);
    window = matrix(r, HIDDEN, 0.1f);
    state = matrix(r, HIDDEN, 0.1f);
    mtpState = matrix(r, HIDDEN, 0.1f);
    mtp = matrix(r, HIDDEN, 0.1f);
  }

  /** All kinds of streams: rows that stay, windows, groups, compressed rows, and an MTP layer. */
  public static MadeUp hybrid() {
    return new MadeUp("hybrid", true, 71);
  }

  /** Windows only: however long a sequence gets, it holds a few pages. */
  public static MadeUp windows() {
    return new MadeUp("windows", false, 72);
  }

  private static float[][] matrix(Random r, int out, float scale) {
    float[][] m = new float[out][HIDDEN];
    for (float[] row : m) {
      for (int i = 0; i < HIDDEN; i++) {
        row[i] = scale * (float) r.nextGaussian();
      }
    }
    return m;
  }
}
