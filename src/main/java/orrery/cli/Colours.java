package orrery.cli;

import orrery.events.Event.Origin;

/**
 * The codes that make a terminal mark text. Without colours, plain characters mark the text where a
 * mark is needed.
 *
 * @param on whether there are colours
 */
record Colours(boolean on) {
  private static final String RESET = "\u001b[0m";

  /**
   * Colours, unless {@code NO_COLOR} is set and not empty (no-color.org).
   *
   * @param noColor its value, or null
   */
  static Colours unless(String noColor) {
    return new Colours(noColor == null || noColor.isEmpty());
  }

  /** A token's text. */
  String token(Origin origin, String text) {
    return switch (origin) {
      case PLAIN -> text;
      case ACCEPTED -> coded("32", text); // green
      case RECOVERED -> coded("33", text); // yellow
      case BONUS -> coded("36", text); // cyan
    };
  }

  /** Drafts that were thrown away: struck through, dim, red. */
  String rejected(String text) {
    return on ? coded("2;9;31", text) : "~" + text + "~";
  }

  String dim(String text) {
    return coded("2", text);
  }

  String inverse(String text) {
    return coded("7", text);
  }

  /** One of six colours. */
  String number(int n, String text) {
    return coded(Integer.toString(31 + n % 6), text);
  }

  private String coded(String code, String text) {
    return on && !text.isEmpty() ? "\u001b[" + code + "m" + text + RESET : text;
  }
}
