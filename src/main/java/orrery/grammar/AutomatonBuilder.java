package orrery.grammar;

import java.util.List;
import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;
import org.apache.lucene.util.automaton.TooComplexToDeterminizeException;
import org.apache.lucene.util.automaton.Transition;
import org.apache.lucene.util.automaton.UTF32ToUTF8;
import orrery.grammar.Syntax.Characters;
import orrery.grammar.Syntax.Choice;
import orrery.grammar.Syntax.Repeat;
import orrery.grammar.Syntax.Separated;
import orrery.grammar.Syntax.Sequence;

/**
 * From a syntax to its automaton over bytes, with Lucene's automata: characters first, made
 * deterministic, then their UTF-8 bytes, made deterministic again.
 *
 * <p>Any client may send a pattern, so its cost is known before it is paid. {@link Size} counts
 * what the automaton of a syntax will have, before it is built; {@value #MAX_TRANSITIONS}
 * transitions are the limit, and {@value #MAX_BUILT} states and transitions of all automata that
 * are built on the way. A small automaton can still become exponentially large when it is made
 * deterministic; then {@value #MAX_EFFORT} steps are the limit.
 */
final class AutomatonBuilder {
  static final int MAX_TRANSITIONS = 400_000;
  static final int MAX_BUILT = 20_000_000; // a few seconds
  static final int MAX_EFFORT = 50_000; // Lucene's unit: ten states looked at

  private static final Automaton UTF8 = utf8();
  private static final Automaton NOTHING = Automata.makeEmptyString();

  private AutomatonBuilder() {}

  /**
   * The automaton of a syntax.
   *
   * @param name for the message of an error
   * @throws GrammarException if it would be too large, or if there is no text
   */
  static ByteAutomaton build(String name, Syntax syntax) {
    ByteAutomaton table =
        ByteAutomaton.of(requireSome(name, bytes(name, characters(name, syntax))));
    if (table == null) {
      throw new GrammarException(
          name,
          "an automaton of at most " + ByteAutomaton.MAX_ENTRIES + " entries",
          "a larger one; repeat less, or with smaller counts");
    }
    return table;
  }

  /**
   * A deterministic automaton over characters.
   *
   * @throws GrammarException if it would be too large
   */
  static Automaton characters(String name, Syntax syntax) {
    requireSmall(name, syntax, new Size.Counter());
    return deterministic(name, automaton(syntax));
  }

  /** Refuses a syntax whose automaton would be too large; it is not built for that. */
  static void requireSmall(String name, Syntax syntax, Size.Counter counter) {
    requireFew(name, counter.of(syntax).transitions());
    String built = " states and transitions, with those of its parts";
    requireAtMost(name, counter.built(syntax), MAX_BUILT, built);
  }

  /** Refuses an automaton with too many transitions. */
  static void requireFew(String name, double transitions) {
    requireAtMost(name, transitions, MAX_TRANSITIONS, " transitions");
  }

  private static void requireAtMost(String name, double count, int most, String ofWhat) {
    if (!(count <= most)) { // it may be no number
      throw new GrammarException(
          name,
          "an automaton of at most " + most + ofWhat,
          "a larger one; repeat less, or with smaller counts");
    }
  }

  private static Automaton bytes(String name, Automaton characters) {
    Automaton bytes = deterministic(name, new UTF32ToUTF8().convert(characters));
    return Operations.intersection(bytes, UTF8);
  }

  /**
   * Sequences of bytes that are UTF-8. Lucene's conversion takes for granted that its input is: it
   * lets the first bytes E0 and F0 be followed by bytes of overlong forms.
   */
  private static Automaton utf8() {
    Automaton utf8 = new Automaton();
    for (int s = 0; s < 8; s++) { // 0 between characters; 1 to 3 so many bytes to come
      utf8.createState();
    }
    utf8.setAccept(0, true);
    int[][] transitions = { // [transitions] from, to, lowest byte, highest byte
      {0, 0, 0x00, 0x7F}, {0, 1, 0xC2, 0xDF}, {0, 4, 0xE0, 0xE0}, {0, 2, 0xE1, 0xEC},
      {0, 5, 0xED, 0xED}, {0, 2, 0xEE, 0xEF}, {0, 6, 0xF0, 0xF0}, {0, 3, 0xF1, 0xF3},
      {0, 7, 0xF4, 0xF4}, {1, 0, 0x80, 0xBF}, {2, 1, 0x80, 0xBF}, {3, 2, 0x80, 0xBF},
      {4, 1, 0xA0, 0xBF}, {5, 1, 0x80, 0x9F}, {6, 2, 0x90, 0xBF}, {7, 2, 0x80, 0x8F}
    };
    for (int[] t : transitions) {
      utf8.addTransition(t[0], t[1], t[2], t[3]);
    }
    utf8.finishState();
    return utf8;
  }

  private static Automaton requireSome(String name, Automaton automaton) {
    if (Operations.isEmpty(automaton)) {
      throw new GrammarException(name, "something that a text can match", "what no text matches");
    }
    return automaton;
  }

  private static Automaton deterministic(String name, Automaton automaton) {
    try {
      return Operations.removeDeadStates(Operations.determinize(automaton, MAX_EFFORT));
    } catch (TooComplexToDeterminizeException e) {
      throw new GrammarException(
          name,
          "an automaton that " + MAX_EFFORT + "0 steps make deterministic",
          "one that needs more; give it fewer ways to read the same text");
    }
  }

  /** The parts of a syntax from whose automata its own is built. */
  static List<Syntax> parts(Syntax syntax) {
    return switch (syntax) {
      case Characters c -> List.of();
      case Sequence s -> s.parts();
      case Choice c -> c.options();
      case Repeat r -> r.max() == 0 ? List.of() : List.of(r.part());
      case Separated s -> s.max() == 1 ? List.of(s.part()) : List.of(s.part(), s.separator());
    };
  }

  /** The automaton of a syntax of which {@link #requireSmall} has nothing to say. */
  static Automaton automaton(Syntax syntax) {
    List<Automaton> parts = parts(syntax).stream().map(AutomatonBuilder::automaton).toList();
    return switch (syntax) {
      case Characters c -> characters(c.set());
      case Sequence s -> sequence(parts);
      case Choice c -> union(parts);
      case Repeat r -> r.max() == 0 ? NOTHING : repeat(parts.getFirst(), r.min(), r.max());
      case Separated s -> s.max() == 1 ? parts.getFirst() : separated(s, parts);
    };
  }

  /** The union, in which all accepting states without transitions are one. */
  private static Automaton union(List<Automaton> options) {
    Automaton union = Operations.union(options);
    Automaton joined = new Automaton();
    int tip = 0; // none: state 0 is the start
    int[] joint = new int[union.getNumStates()]; // [states] of the union
    for (int s = 0; s < joint.length; s++) {
      joined.createState();
      joined.setAccept(s, union.isAccept(s));
      boolean isTip = s > 0 && union.isAccept(s) && union.getNumTransitions(s) == 0;
      tip = isTip && tip == 0 ? s : tip;
      joint[s] = isTip ? tip : s;
    }
    Transition t = new Transition();
    for (int s = 0; s < joint.length; s++) {
      int count = union.initTransition(s, t);
      for (int i = 0; i < count; i++) {
        union.getNextTransition(t);
        joined.addTransition(s, joint[t.dest], t.min, t.max);
      }
    }
    joined.finishState();
    return Operations.removeDeadStates(joined);
  }

  /** Parts without a character are left out: each end of a part looks at all behind it. */
  private static Automaton sequence(List<Automaton> parts) {
    List<Automaton> some = parts.stream().filter(p -> canBegin(p) || !p.isAccept(0)).toList();
    return some.isEmpty() ? NOTHING : Operations.concatenate(some);
  }

  /** Whether a character can be read from the start of an automaton. */
  private static boolean canBegin(Automaton part) {
    return part.getNumStates() > 0 && part.getNumTransitions(0) > 0;
  }

  private static Automaton repeat(Automaton part, int min, int max) {
    if (!canBegin(part)) {
      return min == 0 ? NOTHING : part;
    }
    return max == Syntax.UNBOUNDED ? Operations.repeat(part, min) : chain(part, min, max);
  }

  /**
   * Copies of an automaton in a row, of which the first {@code min} are needed. (Lucene's own
   * bounded repeat takes time that is quadratic in the count.) No transition leads to the start of
   * an automaton that is made here, so only the first copy's start is ever in use.
   */
  private static Automaton chain(Automaton part, int min, int max) {
    int states = part.getNumStates();
    if (max == 0 || states == 0) {
      return min == 0 ? NOTHING : part;
    }
    int count = Math.multiplyExact(max, states);
    boolean skips = part.isAccept(0);
    Automaton all = new Automaton();
    for (int s = 0; s < count; s++) {
      all.createState();
      boolean enough = s / states + 1 >= min || skips;
      all.setAccept(s, s == 0 ? min == 0 || skips : part.isAccept(s % states) && enough);
    }
    for (int s = 0; s < count; s++) {
      int copy = s - s % states;
      link(part, s % states, all, s, copy);
      if (part.isAccept(s % states) && copy + states < count) {
        link(part, 0, all, s, copy + states);
      }
    }
    all.finishState();
    return Operations.removeDeadStates(all);
  }

  private static Automaton separated(Separated s, List<Automaton> parts) {
    Automaton part = parts.getFirst();
    Automaton separator = parts.getLast();
    if (s.max() != Syntax.UNBOUNDED) {
      Automaton more = Operations.concatenate(separator, part);
      return Operations.concatenate(part, chain(more, s.min() - 1, s.max() - 1));
    }
    Automaton first = Operations.concatenate(part, separator);
    Automaton loop = loop(part, separator);
    return s.min() == 1
        ? loop
        : Operations.concatenate(chain(first, s.min() - 1, s.min() - 1), loop);
  }

  /** One copy of a part, and behind it a separator that leads back to the part. */
  private static Automaton loop(Automaton part, Automaton separator) {
    int base = part.getNumStates();
    Automaton all = new Automaton();
    for (int s = 0; s < base + separator.getNumStates(); s++) {
      all.createState();
      all.setAccept(s, s < base && part.isAccept(s));
    }
    for (int s = 0; s < base; s++) {
      link(part, s, all, s, 0);
      if (part.isAccept(s)) {
        link(separator, 0, all, s, base);
      }
    }
    for (int s = 0; s < separator.getNumStates(); s++) {
      link(separator, s, all, base + s, base);
      if (separator.isAccept(s)) {
        link(part, 0, all, base + s, 0);
      }
    }
    all.finishState();
    return all;
  }

  /** Copies the transitions out of a state of a part, to its copy that begins at {@code base}. */
  private static void link(Automaton part, int state, Automaton all, int from, int base) {
    Transition t = new Transition();
    int count = part.initTransition(state, t);
    for (int i = 0; i < count; i++) {
      part.getNextTransition(t);
      all.addTransition(from, base + t.dest, t.min, t.max);
    }
  }

  private static Automaton characters(CharacterSet set) {
    Automaton automaton = new Automaton();
    int from = automaton.createState();
    int to = automaton.createState();
    automaton.setAccept(to, true);
    for (CharacterSet.Range r : set.ranges()) {
      automaton.addTransition(from, to, r.from(), r.to());
    }
    automaton.finishState();
    return automaton;
  }
}
