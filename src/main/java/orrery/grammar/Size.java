package orrery.grammar;

import orrery.grammar.Syntax.Characters;
import orrery.grammar.Syntax.Choice;
import orrery.grammar.Syntax.Repeat;
import orrery.grammar.Syntax.Sequence;

/**
 * What the automaton of a syntax will have. Where two parts meet, each end of the first one gets
 * all transitions out of the second one's start, so {@code (a?b?c?){1000}} has far more transitions
 * than it has characters. Counts are doubles, since {@code ((a{999}){999}){999} …} is beyond long.
 *
 * @param transitions of all states
 * @param first transitions out of the start
 * @param ends accepting states
 * @param empty whether the start is one of them
 */
record Size(double transitions, double first, double ends, boolean empty) {
  private static final Size NOTHING = new Size(0, 0, 1, true);

  static Size of(Syntax syntax) {
    return switch (syntax) {
      case Characters c -> {
        int ranges = c.set().ranges().size();
        yield new Size(ranges, ranges, 1, false);
      }
      case Sequence s -> s.parts().stream().map(Size::of).reduce(NOTHING, Size::then);
      case Choice c -> choice(c);
      case Repeat r when r.max() == Syntax.UNBOUNDED -> {
        Size part = of(r.part());
        yield part.times(r.min()).then(part.anyTimes());
      }
      case Repeat r -> {
        Size all = of(r.part()).times(r.max());
        yield new Size(
            all.transitions, all.first, all.ends * r.max() + 1, r.min() == 0 || all.empty);
      }
    };
  }

  private static Size choice(Choice c) {
    Size all = new Size(0, 0, 0, false);
    for (Syntax option : c.options()) {
      Size o = of(option);
      all =
          new Size(
              all.transitions + o.transitions + o.first,
              all.first + o.first,
              all.ends + o.ends + 1,
              all.empty || o.empty);
    }
    return all;
  }

  private Size then(Size next) {
    return new Size(
        transitions + next.transitions + ends * next.first,
        first + (empty ? next.first : 0),
        next.ends + (next.empty ? ends : 0),
        empty && next.empty);
  }

  private Size times(int count) {
    if (count == 0) {
      return NOTHING;
    }
    double more = empty ? (count - 1.0) * count / 2 : count - 1.0; // pairs of parts that meet
    return new Size(
        transitions * count + ends * first * more,
        empty ? first * count : first,
        empty ? ends * count : ends,
        empty);
  }

  private Size anyTimes() {
    return new Size(transitions + first + ends * first, first, ends + 1, true);
  }
}
