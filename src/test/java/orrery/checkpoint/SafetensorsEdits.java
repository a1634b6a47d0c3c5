package orrery.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.util.RawValue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import orrery.checkpoint.CheckpointMutator.Edit;
import orrery.checkpoint.CheckpointMutator.Mutation;
import orrery.checkpoint.CheckpointMutator.Outcome;

/** Edits of a safetensors file's bytes, and of its header as text. */
final class SafetensorsEdits {
  static final List<Edit> ALL =
      List.of(
          SafetensorsEdits::flipDataBit,
          SafetensorsEdits::flipHeaderBits,
          SafetensorsEdits::lieAboutHeaderLength,
          SafetensorsEdits::truncate,
          SafetensorsEdits::extend,
          SafetensorsEdits::surroundings,
          SafetensorsEdits::rewriteHeader,
          SafetensorsEdits::invalidUtf8,
          SafetensorsEdits::nesting,
          SafetensorsEdits::duplicateKey);

  private SafetensorsEdits() {}

  private static Mutation flipDataBit(Path directory, Random random) throws IOException {
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
    int bit = random.nextInt(8 * parts.data().length);
    parts.data()[bit / 8] ^= (byte) (1 << bit % 8);
    parts.write();
    // The format has no checksum, so a loader cannot notice other weights, unless they are NaN
    // codes
    // or scales.
    return parts.hasCodes()
        ? Mutation.any("data bit", "bit " + bit)
        : new Mutation(
            "data bit", "bit " + bit, EnumSet.of(Outcome.SAME_CONTENT, Outcome.OTHER_CONTENT));
  }

  private static Mutation flipHeaderBits(Path directory, Random random) throws IOException {
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
    byte[] header = parts.header().toString().getBytes(UTF_8);
    int flips = 1 + random.nextInt(3);
    for (int i = 0; i < flips; i++) {
      header[random.nextInt(header.length)] ^= (byte) (1 << random.nextInt(8));
    }
    parts.write(header);
    return new Mutation(
        "header bits",
        new String(header, UTF_8),
        EnumSet.of(Outcome.SAME_CONTENT, Outcome.REFUSED));
  }

  private static Mutation lieAboutHeaderLength(Path directory, Random random) throws IOException {
    Path file = CheckpointMutator.anyFile(directory, ".safetensors", random);
    byte[] all = Files.readAllBytes(file);
    ByteBuffer buffer = ByteBuffer.wrap(all).order(LITTLE_ENDIAN);
    long truth = buffer.getLong(0);
    long[] lies = {
      0,
      1,
      2,
      truth - 1,
      truth + 1,
      truth - 8,
      truth + 8,
      all.length,
      all.length - 8,
      99_999_999,
      100_000_001,
      Integer.MAX_VALUE,
      1L << 31,
      Long.MAX_VALUE,
      Long.MIN_VALUE,
      -1,
      random.nextLong()
    };
    long lie = lies[random.nextInt(lies.length)];
    buffer.putLong(0, lie);
    Files.write(file, all);
    return Mutation.refused("header length", truth + " said to be " + lie);
  }

  private static Mutation truncate(Path directory, Random random) throws IOException {
    Path file = CheckpointMutator.anyFile(directory, ".safetensors", random);
    byte[] all = Files.readAllBytes(file);
    int length = random.nextInt(all.length);
    Files.write(file, Arrays.copyOf(all, length));
    return Mutation.refused("truncated", all.length + " to " + length);
  }

  private static Mutation extend(Path directory, Random random) throws IOException {
    Path file = CheckpointMutator.anyFile(directory, ".safetensors", random);
    byte[] all = Files.readAllBytes(file);
    int more = 1 + random.nextInt(100);
    Files.write(file, Arrays.copyOf(all, all.length + more));
    return Mutation.refused("extended", more + " bytes");
  }

  private static Mutation surroundings(Path directory, Random random) throws IOException {
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
    String text = parts.header().toString();
    String[] texts = {
      " " + text,
      "\uFEFF" + text,
      text + "{}",
      text + "x",
      "[" + text + "]",
      "null",
      "",
      "{",
      text.substring(1),
      text.substring(0, text.length() - 1),
      text + "\u0000",
      text + ","
    };
    String chosen = texts[random.nextInt(texts.length)];
    parts.write(chosen);
    return Mutation.refused("around the header", chosen);
  }

  private static Mutation rewriteHeader(Path directory, Random random) throws IOException {
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
    String blanks = " ".repeat(random.nextInt(20)) + (random.nextBoolean() ? "\n\t" : "");
    parts.write(parts.header().toPrettyString() + blanks);
    return Mutation.harmless("reformatted header", blanks.length() + " blanks");
  }

  private static Mutation invalidUtf8(Path directory, Random random) throws IOException {
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
    parts.header().putObject("__metadata__").put("k", "????");
    byte[] text = parts.header().toString().getBytes(UTF_8);
    int at = parts.header().toString().indexOf("????");
    byte[][] bad = {
      {(byte) 0xFF}, {(byte) 0xC0, (byte) 0x80}, {(byte) 0xED, (byte) 0xA0, (byte) 0x80}
    };
    byte[] chosen = bad[random.nextInt(bad.length)];
    System.arraycopy(chosen, 0, text, at, chosen.length);
    parts.write(text);
    return Mutation.refused("invalid UTF-8", Arrays.toString(chosen));
  }

  private static Mutation nesting(Path directory, Random random) throws IOException {
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
    int depth = 1 + random.nextInt(100_000);
    String open = random.nextBoolean() ? "[" : "{\"a\":";
    String deep = open.repeat(depth) + "1" + (open.equals("[") ? "]" : "}").repeat(depth);
    String name = parts.anyName(random);
    String field = new String[] {"shape", "dtype", "data_offsets", "other"}[random.nextInt(4)];
    parts.entry(name).putRawValue(field, new RawValue(deep));
    parts.write();
    return Mutation.refused("nesting", name + "." + field + " " + depth + " deep");
  }

  private static Mutation duplicateKey(Path directory, Random random) throws IOException {
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
    String name = parts.anyName(random);
    String entry = "\"" + name + "\"" + ":" + parts.entry(name);
    String field = "\"dtype\":" + parts.entry(name).get("dtype");
    String text = parts.header().toString();
    parts.write(
        random.nextBoolean()
            ? text.replace(entry, entry + "," + entry)
            : text.replace(entry, entry.replace(field, field + "," + field)));
    return Mutation.refused("duplicate key", name);
  }
}
