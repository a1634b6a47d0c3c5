package orrery.cli;

import java.util.ArrayList;
import java.util.List;

/**
 * Gives each line of a batch an id of its own, in the place of the id {@code x} that tests write.
 */
final class BatchIds {
  private static final String ID = "\"custom_id\":\"x";

  private BatchIds() {}

  static List<String> numbered(List<String> lines) {
    List<String> numbered = new ArrayList<>();
    for (String line : lines) {
      numbered.add(line.replace(ID + "\"", ID + "-" + numbered.size() + "\""));
    }
    return numbered;
  }
}
