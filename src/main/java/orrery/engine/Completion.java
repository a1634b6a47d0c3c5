package orrery.engine;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;

/**
 * A submitted request: iterate its tokens as they come, or wait for its answers.
 *
 * <pre>
 *   for (Token t : engine.submit(request)) System.out.print(t.text());
 * </pre>
 *
 * <p>Tokens are handed out once; the answers can be had by many.
 */
public final class Completion implements Iterable<Token> {
  private static final Token END = new Token(-1, -1, Token.NONE, "", null, null);

  private final int id;
  private final Consumer<Completion> canceller;
  private final LinkedBlockingQueue<Token> tokens = new LinkedBlockingQueue<>();
  private final CompletableFuture<List<Answer>> answers = new CompletableFuture<>();

  Completion(int id, Consumer<Completion> canceller) {
    this.id = id;
    this.canceller = canceller;
  }

  /** Number of the request in this engine. */
  public int id() {
    return id;
  }

  /** Asks for the request to end as soon as possible; what it has by then is its answer. */
  public void cancel() {
    canceller.accept(this);
  }

  /**
   * Completes with the answers, in order of choice, or with what went wrong. What is chained to it
   * runs on the common pool: the engine's thread waits for nobody.
   */
  public CompletableFuture<List<Answer>> answers() {
    return answers.whenCompleteAsync((all, why) -> {});
  }

  /**
   * Waits for the answers.
   *
   * @throws RequestException if the request failed
   */
  public List<Answer> join() {
    try {
      return answers.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RequestException cause) {
        throw cause;
      }
      throw e;
    }
  }

  /**
   * Tokens of all choices as they come; blocks for the next one. Ends when the request does; then
   * {@link #join} tells how.
   */
  @Override
  public Iterator<Token> iterator() {
    return new Iterator<>() {
      private Token next;

      @Override
      public boolean hasNext() {
        if (next == null) {
          try {
            next = tokens.take();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
          }
        }
        if (next == END) {
          tokens.add(END); // for whoever iterates again
          return false;
        }
        return true;
      }

      @Override
      public Token next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        Token t = next;
        next = null;
        return t;
      }
    };
  }

  void token(Token t) {
    tokens.add(t);
  }

  void finish(List<Answer> all) {
    tokens.add(END);
    answers.complete(all);
  }

  void fail(RequestException why) {
    tokens.add(END);
    answers.completeExceptionally(why);
  }
}
