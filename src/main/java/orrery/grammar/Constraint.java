package orrery.grammar;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;

/**
 * Which tokens an answer may go on with, so that its whole text is one of a set of texts. It is an
 * automaton over tokens: a state says what the text so far allows, and a token leads to the next
 * state.
 *
 * <pre>
 *   int state = constraint.start(prompt);
 *   while (!constraint.closed(state)) {
 *     token = one of constraint.mask(state), or the end if constraint.complete(state)
 *     state = constraint.next(state, token);
 *   }
 * </pre>
 *
 * <p>From every state but {@link #DEAD}, tokens of the model can complete the text. {@link
 * Grammars} makes constraints. One serves any number of requests and threads: the state of an
 * answer is outside. A mask is computed when its state is first asked for, and then kept.
 */
public final class Constraint {
  /** No text begins like this. */
  public static final int DEAD = ByteAutomaton.DEAD;

  /** The state of an empty answer that goes on with a text. */
  public static final int START = 0;

  private static final int MASK_BYTES = 2 << 20; // of all masks that are kept
  private static final long MAX_WORK = 100_000_000; // nodes, about half a second

  private final ByteAutomaton automaton;
  private final TokenTree tree;
  private final BitSet live; // [states] from which tokens can complete the text
  private final long[][] masks; // [states + 1][vocab / 64] bit t: token t; null if not computed
  private int kept; // masks

  private Constraint(ByteAutomaton automaton, TokenTree tree, BitSet live) {
    this.automaton = automaton;
    this.tree = tree;
    this.live = live;
    masks = new long[automaton.states() + 1][];
  }

  /**
   * The constraint of an automaton.
   *
   * @param name for the message of an error
   * @throws GrammarException if the tokens cannot spell any text
   */
  static Constraint of(String name, ByteAutomaton automaton, TokenTree tree) {
    BitSet live = byBytes(automaton, tree);
    if (live.cardinality() < automaton.states()) { // some bytes have no token of their own
      live = byTokens(name, automaton, tree);
    }
    if (!live.get(START)) {
      throw new GrammarException(name, "a text that the model's tokens can spell", "no such text");
    }
    return new Constraint(automaton, tree, live);
  }

  /** The states from which tokens of single bytes can complete the text. */
  private static BitSet byBytes(ByteAutomaton automaton, TokenTree tree) {
    BitSet[] before = sets(automaton.states());
    for (int s = 0; s < before.length; s++) {
      for (int b = 0; b < 256; b++) {
        int next = tree.hasBare(b) ? automaton.next(s, b) : DEAD;
        if (next != DEAD) {
          before[next].set(s);
        }
      }
    }
    return completing(automaton, before);
  }

  /** The states from which tokens can complete the text. */
  private static BitSet byTokens(String name, ByteAutomaton automaton, TokenTree tree) {
    if ((long) automaton.states() * tree.nodes() > MAX_WORK) {
      throw new GrammarException(
          name, "fewer states, or a tokenizer with a token for each byte", automaton.states() + "");
    }
    BitSet[] before = sets(automaton.states());
    for (int s = 0; s < before.length; s++) {
      int state = s;
      tree.walk(automaton, s, (id, next) -> before[next].set(state));
    }
    return completing(automaton, before);
  }

  private static BitSet[] sets(int count) {
    BitSet[] sets = new BitSet[count]; // [states] the states before each
    Arrays.setAll(sets, i -> new BitSet());
    return sets;
  }

  private static BitSet completing(ByteAutomaton automaton, BitSet[] before) {
    BitSet found = new BitSet(before.length);
    Deque<Integer> open = new ArrayDeque<>();
    for (int s = 0; s < before.length; s++) {
      if (automaton.accepting(s)) {
        found.set(s);
        open.add(s);
      }
    }
    while (!open.isEmpty()) {
      BitSet more = before[open.remove()];
      more.andNot(found);
      found.or(more);
      more.stream().forEach(open::add);
    }
    return found;
  }

  /** The most bytes that it takes, with the masks that it keeps. */
  public long bytes() {
    return automaton.bytes() + MASK_BYTES + (long) Long.BYTES * masks.length;
  }

  /** Number of token ids of the model that this was made for. */
  public int vocab() {
    return tree.vocab();
  }

  /**
   * The state of an empty answer.
   *
   * @param prompt the tokens before it: some tokenizers leave out a blank at the beginning of a
   *     text
   */
  public int start(int[] prompt) {
    return tree.beginsText(prompt) ? automaton.states() : START;
  }

  /** The state after one more token; {@link #DEAD} if no text goes on with it. */
  public int next(int state, int token) {
    byte[] bytes = tree.bytes(token);
    int inner = inner(state);
    boolean never = inner == DEAD || bytes.length == 0 || inner != state && blankFirst(token);
    int next = never ? DEAD : automaton.next(inner, bytes);
    return next != DEAD && live.get(next) ? next : DEAD;
  }

  /** Whether the text is complete in a state, so that the answer may end. */
  public boolean complete(int state) {
    return automaton.accepting(inner(state));
  }

  /** Whether the text is complete and no token can follow. */
  public boolean closed(int state) {
    return complete(state) && Arrays.stream(mask(state)).allMatch(word -> word == 0);
  }

  /** Whether a token may follow in a state; an end of the answer is not meant. */
  public boolean allows(int state, int token) {
    return next(state, token) != DEAD;
  }

  /**
   * [vocab / 64, rounded up] The tokens that may follow in a state: bit {@code t % 64} of word
   * {@code t / 64} is token t. Many threads share the array; do not change it.
   */
  public synchronized long[] mask(int state) {
    int words = (tree.vocab() + 63) / 64;
    if (state == DEAD) {
      return new long[words];
    }
    if (masks[state] == null) {
      if (kept >= Math.max(MASK_BYTES / (8 * words), 8)) {
        Arrays.fill(masks, null); // simple, and rare: most answers come through few states
        kept = 0;
      }
      masks[state] = compute(state, words);
      kept++;
    }
    return masks[state];
  }

  private long[] compute(int state, int words) {
    long[] mask = new long[words];
    boolean begins = inner(state) != state;
    tree.walk(
        automaton,
        inner(state),
        (id, next) -> {
          if (live.get(next) && !(begins && blankFirst(id))) {
            mask[id >> 6] |= 1L << id;
          }
        });
    return mask;
  }

  private boolean blankFirst(int token) {
    return tree.blankFirst().get(token);
  }

  /** The automaton's state: the beginning of a text is a state of its own, over the first one. */
  private int inner(int state) {
    return state == automaton.states() ? START : state;
  }
}
