package orrery.openai;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Path;

/**
 * The model of a server, as its clients know it. Load generators name it by its path, other clients
 * by the name that {@code /v1/models} lists.
 *
 * @param name that is listed
 * @param directory the model's
 * @param created seconds since 1970 when the server began
 * @param longest most tokens of prompt and answer
 */
public record ServedModel(String name, Path directory, long created, int longest) {

  /** Whether a body may call the model so. */
  public boolean isCalled(String given) {
    String path = given.length() > 1 && given.endsWith("/") ? chopped(given) : given;
    return given.equals(name) || path.equals(directory.toString()) || path.equals(root());
  }

  private static String chopped(String path) {
    return path.substring(0, path.length() - 1);
  }

  private String root() {
    return directory.toAbsolutePath().normalize().toString();
  }

  /** Writes the list of models, which has one entry. */
  public void writeList(JsonGenerator json) throws IOException {
    json.writeStartObject();
    json.writeStringField("object", "list");
    json.writeArrayFieldStart("data");
    write(json);
    json.writeEndArray();
    json.writeEndObject();
  }

  /**
   * Writes what OpenAI's API says of a model, and vLLM's {@code root} and {@code max_model_len}.
   */
  public void write(JsonGenerator json) throws IOException {
    json.writeStartObject();
    json.writeStringField("id", name);
    json.writeStringField("object", "model");
    json.writeNumberField("created", created);
    json.writeStringField("owned_by", "orrery");
    json.writeStringField("root", root());
    json.writeNumberField("max_model_len", longest);
    json.writeEndObject();
  }
}
