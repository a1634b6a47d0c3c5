package orrery.text;

import java.nio.file.Path;

/**
 * The native library outside this process, for tokenizers on which the library can abort; other
 * tokenizers do not pay this. Texts and tokens have a process each: the engine's thread decodes,
 * and must not wait behind a caller's long text.
 */
final class ForkedTokenizer implements NativeTokenizer {
  private final TokenizerChild encoder;
  private final TokenizerChild decoder;

  ForkedTokenizer(Path file, String json) {
    this(new TokenizerChild(file, json), new TokenizerChild(file, json));
  }

  ForkedTokenizer(TokenizerChild encoder, TokenizerChild decoder) {
    this.encoder = encoder;
    this.decoder = decoder;
  }

  @Override
  public int[] encode(String text) {
    return encoder.encode(text);
  }

  @Override
  public String decode(int[] ids, boolean skipSpecial) {
    return decoder.decode(ids, skipSpecial);
  }

  @Override
  public void close() {
    encoder.close();
    decoder.close();
  }
}
