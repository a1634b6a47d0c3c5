package orrery.grammar;

/** A regular expression or a JSON schema that cannot become a constraint. */
public final class GrammarException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String place;

  /**
   * @param place what is wrong: {@code regex}, or the JSON pointer of a place in a schema, such as
   *     {@code json_schema#/properties/age}
   */
  GrammarException(String place, String expected, String found) {
    super(place + ": expected " + expected + ", found " + found);
    this.place = place;
  }

  /** {@code regex}, or {@code json_schema#} and the JSON pointer of the place. */
  public String place() {
    return place;
  }
}
