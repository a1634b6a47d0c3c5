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
 * <p>A layer reads all rows (whole), the last few (window), or those of its token's group and of
 * the group before (groups). A compressed layer makes one entry of each group and the group before,
 * when the group is complete, and reads all entries. A heavily compressed layer makes an entry of a
 * large group alone.
 *
 * <p>The embedding outweighs the layers, so the next token depends mostly on the newest one. The
 * MTP layer knows that token, and its guesses are often right.
 */
public final class MadeUp {
  static final int VOCAB = 61;
  static final int HIDDEN = 12;
  static final float EPS = 1e-5f;

  /**
   * Which layers there are, beside one with a window.
   *
   * @param window the newest tokens that a window layer reads, the token itself included
   * @param group tokens of a group
   * @param whole whether a layer reads all rows
   * @param compressed whether groups are compressed, else read as they are
   * @param heavy tokens of a group of the heavily compressed layer; 0 without that layer
   * @param mtp whether there is an MTP layer
   * @param positions the most tokens
   */
  record Layers(
      int window,
      int group,
      boolean whole,
      boolean compressed,
      int heavy,
      boolean mtp,
      int positions) {}

  final String name;
  final Layers layers;
  final float[][] embedding; // [VOCAB][HIDDEN]
  final float[][] head; // [VOCAB][HIDDEN]
  final float[][] whole; // [HIDDEN][HIDDEN] makes the rows of a layer, as do the next two
  final float[][] window; // [HIDDEN][HIDDEN]
  final float[][] state; // [HIDDEN][HIDDEN] of the layer with groups
  final float[][] mtpState; // [HIDDEN][HIDDEN] takes in the state of the token before
  final float[][] mtp; // [HIDDEN][HIDDEN] makes the rows of the MTP layer
  final float[][] heavy; // [HIDDEN][HIDDEN] makes the rows of the heavily compressed layer

  private MadeUp(String name, Layers layers, long seed) {
    this.name = name;
    this.layers = layers;
    Random r = new Random(seed);
    embedding = matrix(r, VOCAB, 2);
    head = matrix(r, VOCAB, 1);
    whole = matrix(r, HIDDEN, 0.1f);
    window = matrix(r, HIDDEN, 0.1f);
    state = matrix(r, HIDDEN, 0.1f);
    mtpState = matrix(r, HIDDEN, 0.1f);
    mtp = matrix(r, HIDDEN, 0.1f);
    heavy = matrix(r, HIDDEN, 0.1f);
  }

  /** All kinds of streams: rows that stay, windows, groups, compressed rows, and an MTP layer. */
  public static MadeUp hybrid() {
    return new MadeUp("hybrid", new Layers(6, 4, true, true, 0, true, 256), 71);
  }

  /** Windows only: however long a sequence gets, it holds a few pages. */
  public static MadeUp windows() {
    return new MadeUp("windows", new Layers(6, 4, false, false, 0, false, 256), 72);
  }

  /**
   * The streams of DeepSeek-V4, each once: a window, groups of four compressed with the group
   * before, large groups compressed alone, and an MTP layer with a window. No layer reads all rows.
   *
   * @param heavy tokens of a large group
   */
  public static MadeUp v4(int window, int heavy, int positions) {
    return new MadeUp("v4", new Layers(window, 4, false, true, heavy, true, positions), 73);
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
