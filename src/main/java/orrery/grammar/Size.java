package orrery.grammar;

import java.util.IdentityHashMap;
import java.util.Map;
import orrery.grammar.Syntax.Characters;
import orrery.grammar.Syntax.Choice;
import orrery.grammar.Syntax.Repeat;
import orrery.grammar.Syntax.Separated;
import orrery.grammar.Syntax.Sequence;

/**
 * What the automaton of a syntax will have at most. Where two parts meet, each end of the first one
 * gets all transitions out of the second one's start, so {@code (a?b?c?){1000}} has far more
 * transitions than it has characters. Counts are doubles, since {@code ((a{999}){999}){999} …} is
 * beyond long; beyond double they are infinite, or no number.
 *
 * @param states all of them
 * @param transitions of all states
 * @param first transitions out of the start
 * @param ends accepting states
 * @param tips accepting states without transitions
 * @param empty whether the start is an accepting state
 */
record Size(
    double states, double transitions, double first, double ends, double tips, boolean empty) {
  private static final Size NOTHING = new Size(1, 0, 0, 1, 0, true);
  private static final Size IMPOSSIBLE = new Size(1, 0, 0, 0, 0, false);

  /** Counts; a part that stands in several places is counted once, and then known. */
  static final class Counter {
    private final Map<Syntax, Size> known = new IdentityHashMap<>();
    private final Map<Syntax, Double> built = new IdentityHashMap<>();

    /**
     * States and transitions of all automata that are built on the way to a syntax: its parts' and
     * its own. A part that stands in several places is built for each.
     */
    double built(Syntax syntax) {
      Double total = built.get(syntax);
      if (total == null) {
        Size own = of(syntax);
        total = own.states + own.transitions;
        for (Syntax part : AutomatonBuilder.parts(syntax)) {
          total += built(part);
        }
        built.put(syntax, total);
      }
      return total;
    }

    Size of(Syntax syntax) {
      Size size = known.get(syntax);
      if (size == null) {
        size = count(syntax);
        known.put(syntax, size);
      }
      return size;
    }

    private Size count(Syntax syntax) {
      return switch (syntax) {
        case Characters c -> {
          int ranges = c.set().ranges().size();
          yield new Size(2, ranges, ranges, 1, 1, false);
        }
        case Sequence s -> s.parts().stream().map(this::of).reduce(NOTHING, Size::then);
        case Choice c -> c.options().stream().map(this::of).reduce(IMPOSSIBLE, Size::or);
        case Repeat r when r.max() == Syntax.UNBOUNDED ->
            of(r.part()).times(r.min()).then(of(r.part()).anyTimes());
        case Repeat r -> of(r.part()).upTo(r.min(), r.max());
        case Separated s -> {
          Size part = of(s.part());
          Size more = of(s.separator()).then(part);
          yield s.max() == Syntax.UNBOUNDED
              ? part.then(more.times(s.min() - 1)).then(more.anyTimes())
              : part.then(more.upTo(s.min() - 1, s.max() - 1));
        }
      };
    }
  }

  private Size then(Size next) {
    return new Size(
        states + next.states,
        transitions + next.transitions + ends * next.first,
        first + (empty ? next.first : 0),
        next.ends + (next.empty ? ends : 0),
        next.tips,
        empty && next.empty);
  }

  private Size or(Size other) {
    return new Size(
        states + other.states,
        transitions + other.transitions + other.first,
        first + other.first,
        ends - tips + other.ends - other.tips + 2, // all tips are one; and the start
        1,
        empty || other.empty);
  }

  private Size times(int count) {
    if (count == 0 || first == 0) {
      return timesNothing(count);
    }
    double meet = empty ? (count - 1.0) * count / 2 : count - 1.0; // pairs of parts that meet
    return new Size(
        states * count,
        transitions * count + ends * first * meet,
        empty ? first * count : first,
        empty ? ends * count : ends,
        tips,
        empty);
  }

  private Size upTo(int min, int max) {
    if (max == 0 || first == 0) {
      return timesNothing(min);
    }
    double all = transitions * max + ends * first * (max - 1.0);
    return new Size(states * max, all, first, ends * max + 1, tips, min == 0 || empty);
  }

  private Size anyTimes() {
    return first == 0
        ? NOTHING
        : new Size(states + 1, transitions + first + ends * first, first, ends + 1, 0, true);
  }

  /** A part of which no character can be read, so many times. */
  private Size timesNothing(int count) {
    return count == 0 || empty ? NOTHING : IMPOSSIBLE;
  }
}
