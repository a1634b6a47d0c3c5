package orrery.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** A safetensors file taken apart for editing: header object and data bytes. */
record SafetensorsParts(Path file, ObjectNode header, byte[] data) {
  static SafetensorsParts any(Path directory, Random random) throws IOException {
    Path file = CheckpointMutator.anyFile(directory, ".safetensors", random);
    byte[] all = Files.readAllBytes(file);
    int length = (int) ByteBuffer.wrap(all).order(LITTLE_ENDIAN).getLong();
    ObjectNode header = (ObjectNode) new JsonMapper().readTree(all, 8, length);
    return new SafetensorsParts(file, header, Arrays.copyOfRange(all, 8 + length, all.length));
  }

  List<String> names() {
    List<String> names = new ArrayList<>();
    header.fieldNames().forEachRemaining(names::add);
    names.remove("__metadata__");
    return names;
  }

  String anyName(Random random) {
    return names().get(random.nextInt(names().size()));
  }

  ObjectNode entry(String name) {
    return (ObjectNode) header.get(name);
  }

  /** Whether any tensor has elements of 8 bits, so that there are codes or scales. */
  boolean hasCodes() {
    return header.toString().matches(".*\"(F8_|[UI]8\").*");
  }

  boolean isEmpty(String name) {
    return entry(name).get("shape").toString().startsWith("[0,");
  }

  void write() throws IOException {
    write(header.toString());
  }

  void write(String text) throws IOException {
    write(text.getBytes(UTF_8));
  }

  void write(byte[] text) throws IOException {
    ByteBuffer all = ByteBuffer.allocate(8 + text.length + data.length).order(LITTLE_ENDIAN);
    Files.write(file, all.putLong(text.length).put(text).put(data).array());
  }
}
