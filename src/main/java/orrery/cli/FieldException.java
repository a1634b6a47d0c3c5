package orrery.cli;

/** A field of a user's JSON is not what it must be. */
final class FieldException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String field;

  /**
   * @param field empty if it is the whole line
   */
  FieldException(String field, String expected, String found) {
    super((field.isEmpty() ? "" : field + ": ") + "expected " + expected + ", found " + found);
    this.field = field;
  }

  private FieldException(String field, String message) {
    super(message);
    this.field = field;
  }

  /** What another check said, {@code field: expected …, found …}, with the path in front. */
  static FieldException of(IllegalArgumentException e, String path) {
    String message = e.getMessage();
    return new FieldException(path + message.replaceFirst("(?s):.*", ""), path + message);
  }

  /** Its path, such as {@code body.top_p}; null if it is the whole line. */
  String field() {
    return field.isEmpty() ? null : field;
  }
}
