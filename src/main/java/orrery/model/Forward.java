package orrery.model;

import orrery.graph.Buffer;
import orrery.graph.Launcher;

/** The forward pass of a model with the buffers of one row bucket. */
public interface Forward {
  /** Launches the main model: tokens of the step in, {@link #hidden} and {@link #logits} out. */
  void main(Launcher g);

  /** Hidden state of every row after the final norm, [rows][hidden]. */
  Buffer hidden();

  /** Logits of the rows that wanted them, [logitRows][vocab]. */
  Buffer logits();

  /**
   * Launches the MTP layer. Row p of its step holds token p+1 at RoPE position p and slot p+1, and
   * {@link #mtpInput} the state it continues: the main model's hidden state of p, or in a chain the
   * {@link #mtpHidden} of the row before. Its logits are for token p+2.
   */
  void mtp(Launcher g);

  /**
   * Launches only what {@link #mtp} leaves in the cache, for rows whose guess nobody wants: keys
   * and values of the one layer depend on what goes into it, so its attention and its experts,
   * which are nearly all the work, are left out.
   */
  void mtpKv(Launcher g);

  /** [rows][hidden], filled by the caller before {@link #mtp} and {@link #mtpKv}. */
  Buffer mtpInput();

  /** State of every MTP row after its final norm, [rows][hidden]. */
  Buffer mtpHidden();

  /** [logitRows][vocab]. */
  Buffer mtpLogits();
}
