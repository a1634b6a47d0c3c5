package orrery.graph;

/**
 * Something that ops read or write and that changes while a program runs: a buffer, the cached rows
 * of a stream, or a field of the step. Equal operands are the same memory, and others never
 * overlap. Weights and tables do not change, so they are no operands.
 */
public sealed interface Operand permits Buffer, IntBuffer, StreamRows, StepField {}
