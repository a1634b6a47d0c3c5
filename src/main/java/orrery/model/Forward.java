package orrery.model;

import java.util.Set;
import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.Operand;

/**
 * The forward pass of a model with the buffers of one row bucket. A model without an MTP layer has
 * {@link #main}, {@link #head}, {@link #states} and {@link #logits}, and nothing asks it for more.
 */
public interface Forward {
  /** Launches the main model: tokens of the step in, {@link #states} and {@link #logits} out. */
  void main(Launcher g);

  /**
   * Launches only the end of {@link #main}: {@link #logits} of the rows that want them now, which
   * may be others than in {@code main}. No other pass may have run in between.
   */
  void head(Launcher g);

  /**
   * What the main model hands over of every row, [rows][width]: what an MTP layer continues, and
   * what the boundary stream keeps at page ends. Each model has its own kind, for example the
   * hidden state after the final norm. A row that becomes NaN in any layer is NaN here, in at least
   * one column.
   */
  Buffer states();

  /** Logits of the rows that want them, [logitRows][vocab]. */
  Buffer logits();

  /**
   * Launches the MTP layer. Row p of its step holds token p+1, at RoPE position p and slot p+1.
   * {@link #mtpInput} holds the state that the row continues: the main model's {@link #states} of
   * p, or in a chain the {@link #mtpStates} of the row before. The logits of row p predict token
   * p+2.
   */
  default void mtp(Launcher g) {
    throw withoutMtp();
  }

  /**
   * Launches only the part of {@link #mtp} that writes to the cache, for rows that need no guess.
   * Keys and values of this one layer depend only on the input of the layer. So its attention and
   * its experts, nearly all of the work, are left out.
   */
  default void mtpKv(Launcher g) {
    throw withoutMtp();
  }

  /**
   * States that the MTP rows continue, [rows][width] as {@link #states}; the caller fills them
   * before {@link #mtp} and {@link #mtpKv} run.
   */
  default Buffer mtpInput() {
    throw withoutMtp();
  }

  /** What the MTP layer hands over of every row to the next link of a chain, [rows][width]. */
  default Buffer mtpStates() {
    throw withoutMtp();
  }

  /** Logits of the MTP rows that want them, [logitRows][vocab]. */
  default Buffer mtpLogits() {
    throw withoutMtp();
  }

  /**
   * What is read when {@link #main} or {@link #head} has run. All other buffers are working memory:
   * fusion may leave them as they are.
   */
  default Set<Operand> results() {
    return Set.of(states(), logits());
  }

  /** What is read when {@link #mtp} or {@link #mtpKv} has run. */
  default Set<Operand> mtpResults() {
    return Set.of(mtpStates(), mtpLogits());
  }

  private static UnsupportedOperationException withoutMtp() {
    return new UnsupportedOperationException("this model has no MTP layer");
  }
}
