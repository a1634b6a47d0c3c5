package orrery.checkpoint;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.nio.file.Path;

/** Turns the JSON library's complaints into ours. */
final class JsonText {
  private JsonText() {}

  /** {@code FILE: WHAT: expected valid JSON, found <the parser's reason> at line L, column C}. */
  static CheckpointException broken(Path file, String what, JsonProcessingException cause) {
    String reason = cause.getOriginalMessage();
    JsonLocation at = cause.getLocation();
    String place = at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
    return new CheckpointException(
        file,
        what + ": expected valid JSON, found: " + CheckpointException.shown(reason) + place,
        cause);
  }
}
