package orrery.text;

import java.io.IOException;
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
  private final NativeTokenizer tokenizer;
  private final TokenBytes tokenBytes = new TokenBytes(this);
  private volatile boolean closed;
  private NativeTokenizer verbatim; // made when first needed, under this object's lock

  private Tokenizer(Path file, String json, Vocabulary vocabulary, NativeTokenizer tokenizer) {
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
      boolean trusted = vocabulary.pipeline().trusted();
      return new Tokenizer(file, json, vocabulary, NativeTokenizer.of(file, json, trusted));
    } catch (IOException e) {
      throw new TokenizerException(file, "cannot be read as UTF-8 text: " + e.getMessage(), e);
    }
  }

  /** Token ids of {@code text}; special tokens written in it are recognised as such. */
  public int[] encode(String text) {
    Objects.requireNonNull(text, "text: expected a string, found null");
    requireOpen();
    return tokenizer.encode(wellFormed(text));
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
    requireOpen();
    String clean = wellFormed(text);
    // Without a normalizer, a special token is found only where it is written out.
    boolean mayHoldSpecials =
        vocabulary.pipeline().normalizes()
            || vocabulary.specials().stream().anyMatch(clean::contains);
    if (!mayHoldSpecials) {
      return tokenizer.encode(clean);
    }
    return verbatimTokenizer().encode(clean.replace(VerbatimJson.MARK, '\uFFFD'));
  }

  private synchronized NativeTokenizer verbatimTokenizer() {
    if (verbatim == null) {
      Map<String, String> renamed = new HashMap<>();
      for (String name : vocabulary.specials()) {
        renamed.put(name, VerbatimJson.unwritable(vocabulary.idOf(name).orElseThrow()));
      }
      try {
        boolean trusted = vocabulary.pipeline().trusted();
        verbatim = NativeTokenizer.of(file, VerbatimJson.rename(json, renamed), trusted);
      } catch (IOException e) {
        throw new TokenizerException(file, "cannot be copied: " + e.getMessage(), e);
      }
    }
    return verbatim;
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
    for (int id : ids) {
      checked(id);
    }
    requireOpen();
    return tokenizer.decode(ids, skipSpecial);
  }

  /** A decoder that turns tokens into text as they come, from the beginning of a text. */
  public StreamDecoder stream(boolean skipSpecial) {
    return vocabulary.pipeline().isByteLevel()
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
    if (vocabulary.pipeline().isByteLevel()) {
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

  /** How many ids have a token: {@link #vocabSize}, less the ids that the file leaves out. */
  public int tokens() {
    return vocabulary.count();
  }

  /** The id of the token with this exact name (as written in the file), special or not. */
  public Optional<Integer> idOf(String token) {
    return vocabulary.idOf(token);
  }

  /** Whether there is a token with this id. */
  public boolean has(int id) {
    return id >= 0 && id < vocabulary.size() && vocabulary.name(id) != null;
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
    return vocabulary.pipeline().hasByteLevel();
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
