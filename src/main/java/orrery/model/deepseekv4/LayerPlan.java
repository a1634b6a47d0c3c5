package orrery.model.deepseekv4;

/**
 * What one decoder layer is.
 *
 * @param attention how much of the past it reads
 * @param ratio tokens of one compressed entry; 0 if nothing is compressed
 * @param hashed whether the token id alone selects the experts
 */
public record LayerPlan(Attention attention, int ratio, boolean hashed) {
  /** The three kinds of attention; {@code config.json} of transformers names them in full. */
  public enum Attention {
    /** Sliding window alone. */
    SWA("sliding_attention"),
    /** Beside the window, the few of many short entries that an indexer selects. */
    CSA("compressed_sparse_attention"),
    /** Beside the window, all of few long entries. */
    HCA("heavily_compressed_attention");

    final String field;

    Attention(String field) {
      this.field = field;
    }

    /** Whether there are compressed entries. */
    public boolean compresses() {
      return this != SWA;
    }
  }

  /** The kind of the MTP layer. */
  static final LayerPlan WINDOW = new LayerPlan(Attention.SWA, 0, false);

  /** How many entries a token takes part in: its own, and the next one if entries overlap. */
  int entriesOfToken() {
    return attention == Attention.CSA ? 2 : 1;
  }
}
