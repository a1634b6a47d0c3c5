package orrery.checkpoint;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;

/**
 * Text that is not JSON. The message shows the text at the place where it stops being JSON, and
 * names the line and column: {@code "tru" at line 1, column 7}. The message is written after the
 * word "found".
 *
 * <p>The parser's own error is the cause. Its message is not shown, since it names settings and
 * classes of the parser, which mean nothing to the owner of the file.
 */
public final class JsonFault extends IOException {
  private static final long serialVersionUID = 1L;
  private static final int SHOWN_CHARS = 12;

  JsonFault(String found) {
    super(found);
  }

  private JsonFault(String found, JsonProcessingException cause) {
    super(found, cause);
  }

  /** The fault for an error that the parser found in {@code text}. */
  public static JsonFault of(JsonProcessingException cause, String text) {
    return of(cause, new StringReader(text));
  }

  /** The same for a text that is read again, as far as needed. */
  static JsonFault of(JsonProcessingException cause, Reader text) {
    JsonLocation at = cause.getLocation();
    if (at == null) { // only an error of too deep nesting has no place
      return new JsonFault("more than " + JsonText.MAX_DEPTH + " levels of nesting", cause);
    }
    String found =
        cause instanceof JsonEOFException ? "the end of the text" : excerpt(text, at, cause);
    return new JsonFault(found + place(at), cause);
  }

  /** The error for a field that an object has twice. */
  static JsonFault twice(String field, JsonLocation at) {
    return new JsonFault('"' + CheckpointException.shown(field) + "\" a second time" + place(at));
  }

  private static String place(JsonLocation at) {
    return " at line " + at.getLineNr() + ", column " + at.getColumnNr();
  }

  private static String excerpt(Reader text, JsonLocation at, JsonProcessingException cause) {
    char[] around = new char[1 + SHOWN_CHARS]; // from the character before the place on
    try (text) {
      text.skip(Math.max(0, at.getCharOffset() - 1));
      int length = Math.max(0, text.read(around));
      // After a character that is allowed nowhere, the parser has read on, perhaps to the end.
      int from = at.getCharOffset() > 0 && length > 1 ? 1 : 0;
      String line =
          new String(around, from, Math.min(length - from, SHOWN_CHARS))
              .lines()
              .findFirst()
              .orElse("");
      return '"' + CheckpointException.shown(line) + '"';
    } catch (IOException e) {
      cause.addSuppressed(e);
      return "something else";
    }
  }
}
