package orrery.text;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Small tokenizers, one for each way of turning tokens into text. */
public final class TinyTokenizers {
  /** The replacement character, as the text of a token. */
  public static final String REPLACEMENT = "\uFFFD";

  public static final String END = "</s>";
  public static final String TURN = "<|turn|>";

  private static final String[] WORDS = {
    "▁one", "▁line", "▁", "▁▁", "true", "▁true", ".", "ab", "c", "你", "▁é", "好", REPLACEMENT
  };

  private static final JsonMapper JSON = new JsonMapper();

  private TinyTokenizers() {}

  /** How tokens become text. */
  public enum Kind {
    /** GPT-2's: names spell bytes. */
    BYTE_LEVEL(
        "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": false,"
            + " \"use_regex\": true}"),
    /** The same, followed by another step. */
    BYTE_LEVEL_AND_MORE(
        """
        {"type": "Sequence", "decoders": [
          {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true},
          {"type": "Replace", "pattern": {"String": "q"}, "content": "qu"}]}\
        """),
    /** Llama's: ▁ for blanks, byte tokens, and no blank at the beginning of a text. */
    SENTENCE_PIECE(
        """
        {"type": "Sequence", "decoders": [
          {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
          {"type": "ByteFallback"}, {"type": "Fuse"},
          {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}\
        """),
    /** T5's: ▁ for blanks, and no blank at the beginning of a text. */
    METASPACE(
        "{\"type\": \"Metaspace\", \"replacement\": \"▁\", \"prepend_scheme\": \"always\","
            + " \"split\": true}"),
    /** BERT's: a blank before every piece except pieces with ##. */
    WORD_PIECE("{\"type\": \"WordPiece\", \"prefix\": \"##\", \"cleanup\": true}"),
    /** GPT-1's: a blank after every piece with this suffix, except the last piece. */
    SUFFIX("{\"type\": \"BPEDecoder\", \"suffix\": \"</w>\"}");

    private final String decoder;

    Kind(String decoder) {
      this.decoder = decoder;
    }

    private List<String> names() {
      List<String> names = new ArrayList<>();
      switch (this) {
        case BYTE_LEVEL, BYTE_LEVEL_AND_MORE -> {
          for (int letter = 0; letter < 256; letter++) {
            names.add(letterOf(letter));
          }
          names.addAll(List.of("Ġone", "Ġline", "true", "Ġtrue", "ä½łå", "¥½"));
        }
        case SENTENCE_PIECE, METASPACE -> {
          names.addAll(List.of(WORDS));
          for (int b = 0; b < 256; b++) {
            names.add("<0x%02X>".formatted(b));
          }
        }
        case WORD_PIECE -> names.addAll(List.of("one", "line", "true", "##true", ".", "'", "##s"));
        case SUFFIX -> names.addAll(List.of("one</w>", "line</w>", "tr", "ue</w>", ".</w>", "你"));
      }
      return names;
    }

    /** GPT-2's character for a byte. */
    private static String letterOf(int b) {
      for (int c = 0; c < 0x100 + 68; c++) {
        byte[] bytes = ByteStreamDecoder.bytes(String.valueOf((char) c));
        if (bytes.length == 1 && (bytes[0] & 0xFF) == b) {
          return String.valueOf((char) c);
        }
      }
      throw new IllegalArgumentException("no letter of byte " + b);
    }
  }

  /** A tokenizer of a kind, with special tokens {@link #END} and {@link #TURN} at its end. */
  public static Tokenizer write(Path directory, Kind kind) {
    return write(directory, kind, kind.names());
  }

  /** A tokenizer of a kind with these tokens and, behind them, the special ones. */
  public static Tokenizer write(Path directory, Kind kind, List<String> names) {
    return write(directory, kind.decoder, names);
  }

  static Tokenizer write(Path directory, String decoder, List<String> names) {
    ObjectNode root = JSON.createObjectNode();
    root.put("version", "1.0");
    for (String special : List.of(END, TURN)) {
      root.withArray("added_tokens")
          .addObject()
          .put("id", names.size() + (special.equals(END) ? 0 : 1))
          .put("content", special)
          .put("single_word", false)
          .put("lstrip", false)
          .put("rstrip", false)
          .put("normalized", false)
          .put("special", true);
    }
    ObjectNode model = root.putObject("model").put("type", "BPE").put("byte_fallback", true);
    ObjectNode vocab = model.putObject("vocab");
    names.forEach(name -> vocab.put(name, vocab.size()));
    vocab.put(END, vocab.size());
    vocab.put(TURN, vocab.size());
    model.putArray("merges");
    try {
      root.set("decoder", JSON.readTree(decoder));
      Path file = directory.resolve("tokenizer.json");
      JSON.writeValue(file.toFile(), root);
      return Tokenizer.open(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The text of tokens by the native library, without special tokens. Bytes that are not UTF-8 are
   * replaced one by one; the other bytes of their run stay.
   */
  public static String text(Tokenizer tokenizer, int[] ids) {
    int[] plain = Arrays.stream(ids).filter(id -> !tokenizer.isSpecial(id)).toArray();
    int[] repaired = plain.clone();
    for (int i = 0; i < plain.length; ) {
      int length = tokenizer.byteOf(plain[i]) < 0 ? 1 : character(tokenizer, plain, i);
      if (length == 0) {
        repaired[i] = tokenizer.idOf(REPLACEMENT).orElseThrow();
      }
      i += Math.max(1, length);
    }
    return repaired.length == 0 ? "" : tokenizer.decode(repaired, false);
  }

  /** How many byte tokens from {@code from} on make a character; 0 if they make none. */
  private static int character(Tokenizer tokenizer, int[] ids, int from) {
    byte[] bytes = new byte[4];
    for (int n = 0; n < 4 && from + n < ids.length; n++) {
      int value = tokenizer.byteOf(ids[from + n]);
      if (value < 0) {
        return 0;
      }
      bytes[n] = (byte) value;
      try {
        StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, 0, n + 1));
        return n + 1;
      } catch (CharacterCodingException e) {
        // one byte more may complete it
      }
    }
    return 0;
  }

  /** The text that an answer adds to the text of its prompt. */
  public static String continuation(Tokenizer tokenizer, int[] prompt, int[] answer) {
    int from = prompt.length;
    while (from > 0 && !tokenizer.isSpecial(prompt[from - 1])) {
      from--;
    }
    int[] context = Arrays.copyOfRange(prompt, from, prompt.length);
    boolean blank = Arrays.stream(context).allMatch(id -> text(tokenizer, id).isBlank());
    context = blank ? new int[0] : context;
    int[] all = Arrays.copyOf(context, context.length + answer.length);
    System.arraycopy(answer, 0, all, context.length, answer.length);
    return text(tokenizer, all).substring(text(tokenizer, context).length());
  }

  private static String text(Tokenizer tokenizer, int id) {
    return text(tokenizer, new int[] {id});
  }
}
