package orrery.openai;

/** A field of a user's JSON is missing, unknown or wrong. */
public final class FieldException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String field;

  /**
   * @param field empty if it is the whole line
   */
  public FieldException(String field, String expected, String found) {
    this(field, "", expected, found);
  }

  /**
   * @param hint what may help, with a blank behind it; stands first
   */
  FieldException(String field, String hint, String expected, String found) {
    this(field, hint + "expected " + expected + ", found " + found, field.isEmpty());
  }

  private FieldException(String field, String message, boolean whole) {
    super((whole ? "" : field + ": ") + message);
    this.field = field;
  }

  private FieldException(String field, String message) {
    super(message);
    this.field = field;
  }

  /**
   * The complaint of another check about a field.
   *
   * @param path where the field is, such as {@code body.prompt}
   * @param problem what is wrong, without the field
   */
  public static FieldException at(String path, String problem) {
    return new FieldException(path, path + ": " + problem);
  }

  /** Its path, such as {@code body.top_p}; null if it is the whole line. */
  public String field() {
    return field.isEmpty() ? null : field;
  }
}
