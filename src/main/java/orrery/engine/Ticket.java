package orrery.engine;

import java.util.Comparator;
import java.util.Optional;
import java.util.function.Consumer;
import orrery.batching.Queues;
import orrery.events.Event.Queue;
import orrery.options.Options;

/**
 * A request that begins in one engine and goes on in another, as one of the two has it. Any thread
 * may call what is public; it leaves a message for the engine's thread and returns.
 */
public abstract sealed class Ticket permits PrefillTicket, DecodeTicket {
  /** Which of those that wait for the same goes first, as where there is one engine. */
  static final Comparator<Ticket> ORDER = Comparator.comparing(t -> t.choice, Queues.ORDER);

  private Consumer<Runnable> engine; // leaves a message for its thread
  private Completion completion;

  // What follows is the engine's thread's alone.
  Tickets home;
  Choice choice; // the request's first one
  Queue queue; // where it stands; null before it arrives and after it has ended
  String cancelled; // why a caller ended it while its pages were held; null if none did

  /** Binds it to an engine that has taken the request. */
  final void taken(Completion completion, Consumer<Runnable> engine) {
    this.completion = completion;
    this.engine = engine;
  }

  /** The request, as a caller sees it in this engine. */
  public final Completion completion() {
    return completion;
  }

  /**
   * The other engine, or the way to it, has failed: the request fails too, unless it has ended or
   * needs the other engine no more. Its pages come back.
   */
  public final void failed(String why) {
    post(() -> home.failed(this, why));
  }

  final void post(Runnable message) {
    engine.accept(message);
  }

  /** Tells the other side that the request ends here. */
  abstract void end(String why);

  /** Whether another thread may be reading or writing the request's pages. */
  final boolean lent() {
    return queue == Queue.INFLIGHT || queue == Queue.TRANSFER;
  }

  /**
   * Where the request stands while its choices neither wait nor run, in the words of {@link
   * orrery.events.Keyframe}; empty if they do, or before it arrives, or after it has ended.
   */
  final Optional<String> apart() {
    return switch (queue) {
      case null -> Optional.empty();
      case RUNNING -> Optional.empty();
      case WAITING -> this instanceof DecodeTicket ? Optional.of("arrived") : Optional.empty();
      case BOOTSTRAP, PREALLOC, TRANSFER, INFLIGHT -> Optional.of(Options.word(queue));
    };
  }

  /** Whether the rows of the first choice, which is finished, are now to be sent. */
  abstract boolean sends();

  /** The most tokens of an answer in this engine. */
  abstract int maxTokens(int wanted);
}
