package orrery.grammar;

import java.util.Arrays;
import java.util.BitSet;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Transition;

/**
 * A deterministic automaton over bytes, as a table. A state is an index from 0, where it starts;
 * {@link #DEAD} is the state from which no text can be completed. From every other state one can.
 *
 * <p>Bytes that lead to the same state from every state share a column.
 */
final class ByteAutomaton {
  static final int DEAD = -1;

  private static final int BYTES = 256;

  /** The most entries of the table; an entry takes two bytes. */
  static final int MAX_ENTRIES = 2 << 20;

  private final char[] next; // [states][columns], the next state plus 1; 0 is DEAD
  private final int[] column; // [256]
  private final int columns;
  private final BitSet accepting; // [states]
  private final int states;

  private ByteAutomaton(char[] next, int[] column, int columns, BitSet accepting, int states) {
    this.next = next;
    this.column = column;
    this.columns = columns;
    this.accepting = accepting;
    this.states = states;
  }

  /**
   * The table of an automaton.
   *
   * @param automaton deterministic, over bytes, without dead states
   * @return null if it would have more than {@link #MAX_ENTRIES} entries
   */
  static ByteAutomaton of(Automaton automaton) {
    int states = automaton.getNumStates();
    int[] starts = automaton.getStartPoints(); // the first byte of each column, rising
    int columns = (int) Arrays.stream(starts).filter(b -> b < BYTES).count();
    if (states >= Character.MAX_VALUE || (long) states * columns > MAX_ENTRIES) {
      return null;
    }
    int[] column = new int[BYTES]; // [256]
    for (int b = 0, c = 0; b < BYTES; b++) {
      c += c + 1 < columns && starts[c + 1] == b ? 1 : 0;
      column[b] = c;
    }
    char[] next = new char[states * columns]; // [states][columns]
    BitSet accepting = new BitSet(states);
    Transition t = new Transition();
    for (int s = 0; s < states; s++) {
      accepting.set(s, automaton.isAccept(s));
      int count = automaton.initTransition(s, t);
      for (int i = 0; i < count; i++) {
        automaton.getNextTransition(t);
        for (int c = column[t.min]; c <= column[t.max]; c++) {
          next[s * columns + c] = (char) (t.dest + 1);
        }
      }
    }
    return new ByteAutomaton(next, column, columns, accepting, states);
  }

  int states() {
    return states;
  }

  /** Bytes of its table. */
  long bytes() {
    return (long) Character.BYTES * next.length;
  }

  /** The state after a byte, 0 to 255; the state is not {@link #DEAD}. */
  int next(int state, int b) {
    return next[state * columns + column[b]] - 1;
  }

  /** The state after some bytes. */
  int next(int state, byte[] bytes) {
    int s = state;
    for (int i = 0; i < bytes.length && s != DEAD; i++) {
      s = next(s, bytes[i] & 0xFF);
    }
    return s;
  }

  /** Whether the bytes so far are a whole text. */
  boolean accepting(int state) {
    return state != DEAD && accepting.get(state);
  }
}
