package orrery.cli;

import java.util.ArrayList;
import java.util.List;

/** Gives each line of a batch, which tests write with the id {@code x}, an id of its own. */
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
