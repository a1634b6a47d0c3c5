package orrery.observe;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Path;
import orrery.events.Event;

/**
 * One JSON object a line and event, as {@link EventJson} writes it. The file has the engine's books
 * too, so that the X-ray page can show the run again.
 */
public final class JsonLinesSink extends FileSink {
  /**
   * Opens the file, which is emptied when the run begins.
   *
   * @throws IOException if that fails
   */
  public JsonLinesSink(Path file) throws IOException {
    super(file);
  }

  @Override
  public boolean wantsBooks() {
    return true;
  }

  @Override
  void write(Event event, JsonGenerator json) throws IOException {
    EventJson.write(event, json);
    json.writeRaw('\n');
  }
}
