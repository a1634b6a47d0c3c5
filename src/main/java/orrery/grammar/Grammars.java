package orrery.grammar;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import orrery.text.Tokenizer;

/**
 * Makes constraints for the tokens of one model. Make one of these for each model and keep it: the
 * tree of its tokens is built once, and constraints that are asked for again are shared, with the
 * masks that they have computed.
 *
 * <pre>
 *   Grammars grammars = Grammars.of(model.requireTokenizer(), model.model().vocab());
 *   params.withConstraint(grammars.regex("[0-9]{4}-[0-9]{2}"));
 * </pre>
 *
 * <p>Many threads may use it.
 */
public final class Grammars {
  private static final int KEPT = 16; // constraints, the last ones that were asked for

  private final Supplier<TokenTree> making;
  private TokenTree tree; // made when first needed, under this object's lock
  private final Map<Syntax, CompletableFuture<Constraint>> kept =
      new LinkedHashMap<>(16, 0.75f, true); // the same lock

  private Grammars(Supplier<TokenTree> making) {
    this.making = making;
  }

  /**
   * For the tokens of a model. A text is taken to be the bytes of its tokens, one behind the other.
   * That holds for byte-level and SentencePiece tokenizers. A decoder that changes a token's text
   * because of its neighbours (BERT's, for example) may give another text.
   *
   * @param vocab the ids of the model, with spare rows of the embedding: the length of its logits
   */
  public static Grammars of(Tokenizer tokenizer, int vocab) {
    return new Grammars(() -> TokenTree.of(tokenizer, vocab));
  }

  /**
   * For tokens with these bytes.
   *
   * @param bytes [vocab][any number of] the bytes that a token adds to a text; none for a token
   *     without text, which no text can have
   */
  public static Grammars of(byte[][] bytes) {
    return new Grammars(() -> new TokenTree(bytes));
  }

  /**
   * The texts that match a regular expression as a whole. {@link RegexParser} says which syntax
   * there is.
   *
   * @throws GrammarException naming what is wrong in the pattern, or that its automaton would be
   *     too large
   */
  public Constraint regex(String pattern) {
    return constraint("regex", RegexParser.whole("regex", pattern));
  }

  /**
   * The texts that are JSON by a schema. {@link SchemaReader} says which keywords there are.
   *
   * @param schema the schema as {@link orrery.checkpoint.JsonText#value} reads it
   * @throws GrammarException naming the place in the schema, or that its automaton would be too
   *     large
   */
  public Constraint jsonSchema(Object schema) {
    return constraint(SchemaReader.NAME, SchemaReader.read(schema));
  }

  /**
   * The texts that are any JSON object, whose values have at most {@value SchemaReader#ANY_DEPTH}
   * lists or objects inside each other: OpenAI's {@code response_format} of type {@code
   * json_object}.
   */
  public Constraint jsonObject() {
    return constraint(SchemaReader.NAME, SchemaReader.anyObject());
  }

  /**
   * Compiles outside the lock: a large pattern delays no other. Who asks for it meanwhile waits,
   * and does not compile it, too.
   */
  private Constraint constraint(String name, Syntax syntax) {
    CompletableFuture<Constraint> own = new CompletableFuture<>();
    CompletableFuture<Constraint> first = firstOf(syntax, own);
    if (first == own) {
      try {
        own.complete(Constraint.of(name, AutomatonBuilder.build(name, syntax), tree()));
      } catch (Throwable e) { // an error, too, must not leave the others waiting
        own.completeExceptionally(e);
        forget(syntax, own);
        throw e;
      }
    }
    try {
      return first.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof GrammarException problem) {
        throw problem;
      }
      throw e;
    }
  }

  private synchronized TokenTree tree() {
    tree = tree == null ? making.get() : tree;
    return tree;
  }

  /** The constraint that was asked for first; {@code own} if none was. */
  private synchronized CompletableFuture<Constraint> firstOf(
      Syntax syntax, CompletableFuture<Constraint> own) {
    CompletableFuture<Constraint> known = kept.get(syntax);
    if (known != null) {
      return known;
    }
    kept.put(syntax, own);
    if (kept.size() > KEPT) {
      kept.remove(kept.keySet().iterator().next());
    }
    return own;
  }

  private synchronized void forget(Syntax syntax, CompletableFuture<Constraint> failed) {
    kept.remove(syntax, failed);
  }
}
