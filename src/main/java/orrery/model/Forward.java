package orrery.model;

import orrery.graph.Buffer;
import orrery.graph.Launcher;

/** The forward pass of a model with the buffers of one row bucket. */
public interface Forward {
  /** Launches the main model: tokens of the step in, {@link #hidden} and {@link #logits} out. */
  void main(Launcher g);

  /** Hidden state of every row after the final norm, [rows][hidden]. */
  Buffer hidden();

  /** Logits of the rows that want them, [logitRows][vocab]. */
  Buffer logits();

  /**
   * Launches the MTP layer. Row p of its step holds token p+1, at RoPE position p and slot p+1.
   * {@link #mtpInput} holds the state that the row continues: the main model's hidden state of p,
   * or in a chain the {@link #mtpHidden} of the row before. The logits of row p predict token p+2.
   */
  void mtp(Launcher g);

  /**
   * Launches only the part of {@link #mtp} that writes to the cache, for rows that need no guess.
   * Keys and values of this one layer depend only on the input of the layer. So its attention and
   * its experts, nearly all of the work, are left out.
   */
  void mtpKv(Launcher g);

  /**
   * States that the MTP rows continue, [rows][hidden]; the caller fills them before {@link #mtp}
   * and {@link #mtpKv} run.
   */
  Buffer mtpInput();

  /** State of every MTP row after the final norm of the MTP layer, [rows][hidden]. */
  Buffer mtpHidden();

  /** Logits of the MTP rows that want them, [logitRows][vocab]. */
  Buffer mtpLogits();
}
