package orrery.graph;

/** A field of a {@link Step} that ops read, or that the op between two links of a chain writes. */
public enum StepField implements Operand {
  /** {@link Step#token}. */
  TOKEN,
  /** {@link Step#position}. */
  POSITION,
  /** {@link Step#slot}. */
  SLOT,
  /** {@link Step#sequence}, and the page tables that it points to. */
  SEQUENCE,
  /** {@link Step#logitRow}. */
  LOGIT_ROW,
  /** {@link Step#greedy}. */
  GREEDY,
  /** {@link Step#rows} and {@link Step#logitRows}. Every op reads them; none declares that. */
  ROWS
}
