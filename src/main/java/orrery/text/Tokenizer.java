package orrery.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * Text to token ids and back, as {@code tokenizer.json} defines it. Hugging Face's own library
 * (Rust, through DJL) does the work, so every kind of tokenizer gives the same ids as there.
 *
 * <p>No token is ever added: no BOS, no truncation, no padding. An unpaired surrogate in a text is
 * first replaced by U+FFFD.
 *
 * <p>A prompt that ends in a blank is a trap for byte-level BPE models. Their tokens carry the
 * blank in <em>front</em> of a word, so in training a blank of its own hardly ever came before a
 * word. Trim such a prompt with {@link #trimPrompt}.
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
  private final ReadWriteLock freeing = new ReentrantReadWriteLock(); // calls read, close writes
  private volatile boolean closed;
  private NativeTokenizer verbatim; // made when first needed, under this object's lock

  private Tokenizer(Path file, String json, Vocabulary vocabulary, NativeTokenizer tokenizer) {
    this.file = file;
    this.json = json;
    this.vocabulary = vocabulary;
    this.tokenizer = tokenizer;
  }

  /**
   * Reads a tokenizer.
   *
   * @param fileOrDirectory a {@code tokenizer.json}, or the directory that holds one
   * @throws TokenizerException if the file is missing, is not JSON, or describes no tokenizer
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
      // First, because this parser is strict: the native one then sees valid JSON only.
      Vocabulary vocabulary = Vocabulary.parse(file, text);
      String json = VerbatimJson.standard(text);
      boolean trusted = vocabulary.pipeline().trusted();
      return new Tokenizer(file, json, vocabulary, NativeTokenizer.of(file, json, trusted));
    } catch (IOException e) {
      throw new TokenizerException(file, "cannot be read as UTF-8 text: " + e.getMessage(), e);
    }
  }

  /** Token ids of {@code text}; the name of a special token in the text becomes that token. */
  public int[] encode(String text) {
    Objects.requireNonNull(text, "text: expected a string, found null");
    return whileOpen(() -> tokenizer.encode(wellFormed(text)));
  }

  /**
   * Token ids of {@code text} as plain text: {@code <|end|>} in it becomes the tokens of its
   * letters, never the special token. Encode a user's text with this method before you put it
   * between special tokens.
   *
   * <p>Exact for every text without the noncharacter U+FDD0, which becomes U+FFFD. (Unicode
   * reserves it for a program's inner use, and it is used here.)
   */
  public int[] encodeVerbatim(String text) {
    Objects.requireNonNull(text, "text: expected a string, found null");
    return whileOpen(() -> encodeAsLetters(wellFormed(text)));
  }

  private int[] encodeAsLetters(String clean) {
    // Without a normalizer, only the exact name of a special token in the text can become it.
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
   * The text of {@code ids}; bytes that are not UTF-8 become U+FFFD. For tokens that come one by
   * one use {@link #stream}. It gives the same text, with one exception: where byte tokens such as
   * {@code <0xE4>} are not UTF-8, this method replaces every byte of their run, as the native
   * library does; a stream replaces only the bad bytes.
   *
   * @param ids [tokens]
   * @param skipSpecial leave special tokens out
   * @throws TokenizerException if an id is outside the vocabulary
   */
  public String decode(int[] ids, boolean skipSpecial) {
    Objects.requireNonNull(ids, "ids: expected token ids, found null");
    for (int id : ids) {
      checked(id);
    }
    return whileOpen(() -> tokenizer.decode(ids, skipSpecial));
  }

  /** A decoder that turns tokens into text as they come, from the beginning of a text. */
  public StreamDecoder stream(boolean skipSpecial) {
    return vocabulary.pipeline().isByteLevel()
        ? new ByteStreamDecoder(this, skipSpecial)
        : new WindowStreamDecoder(this, skipSpecial);
  }

  /**
   * A decoder for the answer to a prompt; it leaves special tokens out. The answer's text is what
   * the answer adds to the prompt's text: in SentencePiece style {@code ▁one} is " one" after a
   * word, and "one" at the beginning of a text. The answer begins a text if the prompt ends in a
   * special token (in a chat, for example), or has only blanks after its last special token. A
   * character that the prompt begins and the answer completes belongs to the answer.
   *
   * <p>Ids beyond the vocabulary, the spare rows of an embedding, have no text.
   *
   * @param prompt [tokens]; not copied, do not change it
   */
  public StreamDecoder continuing(int[] prompt) {
    return new AnswerDecoder(this, prompt);
  }

  /**
   * A decoder that leaves special tokens out and goes on behind {@code tokens}, none of them
   * special.
   */
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

  /** How many ids have a token: {@link #vocabSize} minus the ids that the file leaves out. */
  public int tokens() {
    return vocabulary.count();
  }

  /**
   * How many of the 256 bytes a byte-level tokenizer has no token for; 0 for other tokenizers. A
   * text with such a byte may lose it: the native library says nothing about a byte that it cannot
   * spell.
   */
  public int bytesWithoutToken() {
    return vocabulary.pipeline().isByteLevel()
        ? ByteStreamDecoder.bytesWithoutToken(vocabulary)
        : 0;
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
   * The bytes that a token adds to a text: those of " true" for {@code ▁true}, one byte for {@code
   * <0xE4>}, those of its name for a special token. They may be part of a character.
   */
  public byte[] bytes(int id) {
    return tokenBytes.of(id);
  }

  /** The byte that a byte token such as {@code <0xE4>} stands for; -1 for any other token. */
  int byteOf(int id) {
    return vocabulary.byteOf(checked(id));
  }

  /** Whether a token that is not a byte token may end inside a character. */
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

  /** The native side takes valid Unicode only; an unpaired surrogate would end the process. */
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
   * @throws IllegalStateException if this tokenizer was closed
   */
  public void requireOpen() {
    if (closed) {
      throw new IllegalStateException(file + ": this tokenizer is closed");
    }
  }

  /** Calls the native tokenizer, which must not be freed before the call returns. */
  private <T> T whileOpen(Supplier<T> call) {
    freeing.readLock().lock();
    try {
      requireOpen();
      return call.get();
    } finally {
      freeing.readLock().unlock();
    }
  }

  /** Frees the native tokenizer, after the calls of other threads have returned. */
  @Override
  public void close() {
    freeing.writeLock().lock();
    try {
      closed = true;
      tokenizer.close();
      if (verbatim != null) {
        verbatim.close();
      }
    } finally {
      freeing.writeLock().unlock();
    }
  }
}
