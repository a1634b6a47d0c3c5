package orrery.xray;

import java.util.List;
import orrery.events.Event;
import orrery.events.Keyframe;

/** What an engine told, with its books after every step: what a page must show. */
interface Told {
  /** The engine's events so far. */
  List<Event> events();

  /** The events up to the end of a step. */
  default List<Event> until(long step) {
    List<Event> all = events();
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i) instanceof Event.StepDone done && done.step() == step) {
        return all.subList(0, i + 1);
      }
    }
    throw new AssertionError("step " + step + " has not been computed");
  }

  /** The engine's books at the end of a step. */
  default Keyframe books(long step) {
    return EngineBooks.keyframes(events()).stream()
        .filter(k -> k.step() == step)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no books of step " + step));
  }

  /** The newest step of which the books are known; -1 before the first. */
  default long newest() {
    return EngineBooks.keyframes(events()).getLast().step();
  }
}
