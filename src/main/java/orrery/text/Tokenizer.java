package orrery.text;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Text to token ids and back, as {@code tokenizer.json} defines it. The work is done by Hugging
 * Face's own library (Rust, through DJL), so ids are theirs for every kind of tokenizer.
 *
 * <p>No token is ever added: no BOS, no truncation, no padding. Text that is not valid Unicode is
 * made so first: an unpaired surrogate becomes U+FFFD.
 *
 * <p>A prompt that ends in a blank is a trap for byte-level BPE models: their tokens carry the
 * blank in <em>front</em> of a word, so training hardly ever showed a lone blank before one. Trim
 * such a prompt with {@link #trimPrompt}.
 *
 * <p>May be used by many threads.
 */
public final class Tokenizer implements AutoCloseable {
  private static final String FILE_NAME = "tokenizer.json";
  private static final long MAX_BYTES = 256L << 20;

  private final Path file;
  private final String json;
  private final Vocabulary vocabulary;
  private final HuggingFaceTokenizer tokenizer;
  private final TokenBytes tokenBytes = new TokenBytes(this);
  private volatile boolean closed;
  private HuggingFaceTokenizer verbatim; // made when first needed, under this object's lock

  private Tokenizer(Path file, String json, Vocabulary vocabulary, HuggingFaceTokenizer tokenizer) {
    this.file = file;
    this.json = json;
    this.vocabulary = vocabulary;
    this.tokenizer = tokenizer;
  }

  /**
   * Reads {@code tokenizer.json}, given itself or by its directory.
   *
   * @throws TokenizerException if it is missing, no JSON, or no tokenizer
   */
  public static Tokenizer open(Path fileOrDirectory) {
    Path file =
        Files.isDirectory(fileOrDirectory) ? fileOrDirectory.resolve(FILE_NAME) : fileOrDirectory;
    if (!Files.isRegularFile(file)) {
      throw new TokenizerException(file, "no such file; text needs the model's " + FILE_NAME);
    }
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new TokenizerException(file, "expected at most " + MAX_BYTES + " bytes, found more");
      }
      String text = Files.readString(file);
      // First, because it is strict: the native parser need not see what is no JSON at all.
      Vocabulary vocabulary = Vocabulary.parse(file, text);
      String json = VerbatimJson.standard(text);
      return new Tokenizer(file, json, vocabulary, load(file, json));
    } catch (IOException e) {
      throw new TokenizerException(file, "cannot be read as UTF-8 text: " + e.getMessage(), e);
    }
  }

  private static HuggingFaceTokenizer load(Path file, String json) {
    stayOffline();
    Map<String, String> asIs =
        Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");
    try {
      return HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)), asIs);
    } catch (LinkageError | EngineException e) {
      throw new TokenizerException(
          file,
          "the native tokenizer library cannot be loaded ("
              + e.getMessage()
              + "); it is unpacked to ~/.djl.ai, or where DJL_CACHE_DIR says",
          e);
    } catch (IOException | RuntimeException e) {
      throw new TokenizerException(file, "expected a tokenizer, found: " + e.getMessage(), e);
    }
  }

  /**
   * DJL would fetch a GPU build of its library where it sees a GPU, and report its use from cloud
   * machines. Neither belongs in a program that promises to need nothing but its files; a user who
   * set one of these on the command line keeps it.
   */
  private static void stayOffline() {
    for (String property : new String[] {"ai.djl.offline", "OPT_OUT_TRACKING"}) {
      if (System.getProperty(property) == null) {
        System.setProperty(property, "true");
      }
    }
  }

  /** Token ids of {@code text}; special tokens written in it are recognised as such. */
  public int[] encode(String text) {
    Objects.requireNonNull(text, "text: expected a string, found null");
    return ids(tokenizer, wellFormed(text));
  }

  /**
   * Token ids of {@code text} as plain text: {@code <|end|>} in it becomes the tokens of its
   * letters, never the special token. This is what text from a user must go through when it is put
   * between special tokens.
   *
   * <p>Exact for every text but those with the noncharacter U+FDD0 (reserved for a program's inner
   * use, and used here): it becomes U+FFFD.
   */
  public int[] encodeVerbatim(String text) {
    Objects.requireNonNull(text, "text: expected a string, found null");
    String clean = wellFormed(text);
    // Without a normalizer, a special token is found only where it is written out.
    boolean mayHoldSpecials =
        vocabulary.normalizes() || vocabulary.specials().stream().anyMatch(clean::contains);
    if (!mayHoldSpecials) {
      return ids(tokenizer, clean);
    }
    return ids(verbatimTokenizer(), clean.replace(VerbatimJson.MARK, '\uFFFD'));
  }

  private synchronized HuggingFaceTokenizer verbatimTokenizer() {
    if (verbatim == null) {
      Map<String, String> renamed = new HashMap<>();
      for (String name : vocabulary.specials()) {
        renamed.put(name, VerbatimJson.unwritable(vocabulary.idOf(name).orElseThrow()));
      }
      try {
        verbatim = load(file, VerbatimJson.rename(json, renamed));
      } catch (IOException e) {
        throw new TokenizerException(file, "cannot be copied: " + e.getMessage(), e);
      }
    }
    return verbatim;
  }

  private int[] ids(HuggingFaceTokenizer tokenizer, String text) {
    requireOpen();
    long[] wide = tokenizer.encode(text, false, false).getIds();
    int[] ids = new int[wide.length]; // [tokens]
    for (int i = 0; i < ids.length; i++) {
      ids[i] = Math.toIntExact(wide[i]);
    }
    return ids;
  }

  /**
   * The text of {@code ids}; bytes that are no UTF-8 become U+FFFD. For a stream of tokens use
   * {@link #stream}, which gives the same text but for one thing: where byte tokens such as {@code
   * <0xE4>} are no UTF-8, this replaces every byte of their run, as the native library does, and a
   * stream only the bad ones.
   *
   * @param skipSpecial leave special tokens out
   * @throws TokenizerException if an id is outside the vocabulary
   */
  public String decode(int[] ids, boolean skipSpecial) {
    long[] wide = new long[ids.length]; // [tokens]
    for (int i = 0; i < ids.length; i++) {
      wide[i] = checked(ids[i]);
    }
    requireOpen();
    return tokenizer.decode(wide, skipSpecial);
  }

  /** A decoder that turns tokens into text as they come, from the beginning of a text. */
  public StreamDecoder stream(boolean skipSpecial) {
    return vocabulary.isByteLevel()
        ? new ByteStreamDecoder(this, skipSpecial)
        : new WindowStreamDecoder(this, skipSpecial);
  }

  /**
   * A decoder for the answer to a prompt, without special tokens. The answer's text is what it adds
   * to the prompt's: in SentencePiece style {@code ▁one} is " one" after a word, and "one" at the
   * beginning of a text. A text begins where the prompt ends in a special token (that of a chat,
   * say), or has only blanks behind its last one. A character that the prompt began and the answer
   * ends is the answer's.
   *
   * <p>Ids beyond the vocabulary, the spare rows of an embedding, have no text.
   *
   * @param prompt [tokens]; stays the caller's, unchanged
   */
  public StreamDecoder continuing(int[] prompt) {
    return new AnswerDecoder(this, prompt);
  }

  /** A decoder without special tokens that goes on behind others that are none. */
  StreamDecoder streamBehind(int[] tokens) {
    if (vocabulary.isByteLevel()) {
      ByteStreamDecoder decoder = new ByteStreamDecoder(this, true);
      decoder.follow(tokens);
      return decoder;
    }
    WindowStreamDecoder decoder = new WindowStreamDecoder(this, true);
    decoder.follow(tokens);
    return decoder;
  }

  /** One more than the largest token id: the rows that an embedding table needs. */
  public int vocabSize() {
    return vocabulary.size();
  }

  /** The id of the token with this exact name (as written in the file), special or not. */
  public Optional<Integer> idOf(String token) {
    return vocabulary.idOf(token);
  }

  /** The token's name as written in the file; empty for an id that the vocabulary leaves out. */
  public String name(int id) {
    String name = vocabulary.name(checked(id));
    return name == null ? "" : name;
  }

  /**
   * The bytes that a token adds to a text, perhaps part of a character: those of " true" for {@code
   * ▁true}, one byte for {@code <0xE4>}; a special token's name.
   */
  public byte[] bytes(int id) {
    return tokenBytes.of(id);
  }

  /** The byte that a byte token such as {@code <0xE4>} stands for; -1 for any other token. */
  int byteOf(int id) {
    return vocabulary.byteOf(checked(id));
  }

  /** Whether the end of a token may be inside a character although no token is a byte token. */
  boolean cutsCharacters() {
    return vocabulary.hasByteLevel();
  }

  /** Whether {@code id} is a special token. */
  public boolean isSpecial(int id) {
    return vocabulary.isSpecial(checked(id));
  }

  /** The file this tokenizer was read from. */
  public Path file() {
    return file;
  }

  /** {@code prompt} without the blanks at its end; see the class comment for why. */
  public static String trimPrompt(String prompt) {
    int end = prompt.length();
    while (end > 0 && prompt.charAt(end - 1) == ' ') {
      end--;
    }
    return prompt.substring(0, end);
  }

  private int checked(int id) {
    if (id < 0 || id >= vocabulary.size()) {
      throw new TokenizerException(
          file, "token id: expected 0 to " + (vocabulary.size() - 1) + ", found " + id);
    }
    return id;
  }

  /** The native side takes valid Unicode only; half a pair would be the end of the process. */
  private static String wellFormed(String text) {
    StringBuilder repaired = null;
    for (int i = 0; i < text.length(); i++) {
      int codePoint = text.codePointAt(i);
      if (Character.isSupplementaryCodePoint(codePoint)) {
        i++;
      } else if (Character.isSurrogate((char) codePoint)) {
        repaired = repaired == null ? new StringBuilder(text) : repaired;
        repaired.setCharAt(i, '\uFFFD');
      }
    }
    return repaired == null ? text : repaired.toString();
  }

  /**
   * @throws IllegalStateException if it was closed
   */
  public void requireOpen() {
    if (closed) {
      throw new IllegalStateException(file + ": this tokenizer is closed");
    }
  }

  /** Frees the native tokenizer. */
  @Override
  public synchronized void close() {
    closed = true;
    tokenizer.close();
    if (verbatim != null) {
      verbatim.close();
    }
  }
}
