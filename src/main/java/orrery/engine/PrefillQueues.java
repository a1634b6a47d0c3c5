package orrery.engine;

import java.util.ArrayList;
import java.util.List;
import orrery.batching.Queues;
import orrery.engine.Prefilled.FirstToken;
import orrery.events.Event.Queue;

/**
 * The queues of the engine that computes prompts.
 *
 * <pre>
 *   BOOTSTRAP ──> WAITING ──(runs)──> INFLIGHT ──> its pages come back
 * </pre>
 */
final class PrefillQueues {
  private final Tickets all;
  private final Queues queues;
  private final Requests requests;
  private final KvMemory memory;
  private final Speculator speculator;

  PrefillQueues(Tickets all, EngineState state, Speculator speculator) {
    this.all = all;
    this.queues = state.queues;
    this.requests = state.requests;
    this.memory = state.memory;
    this.speculator = speculator;
  }

  /** The other engine has pages for a request. */
  void bootstrapped(PrefillTicket p) {
    if (p.queue == Queue.BOOTSTRAP) {
      all.leave(p);
      all.move(p, Queue.WAITING);
      requests.queue(p.choice);
    }
  }

  /** A prompt is computed: its pages stay until they are sent. */
  void computed(Choice first, List<Choice> siblings) {
    PrefillTicket p = (PrefillTicket) first.active.ticket;
    queues.hold(first);
    all.enter(p);
    all.move(p, Queue.INFLIGHT);
    List<FirstToken> tokens = new ArrayList<>(List.of(first.firstToken()));
    siblings.forEach(sibling -> tokens.add(sibling.firstToken()));
    KvPages pages = memory.lend(first, new int[memory.poolCount()]);
    List<Integer> from = new ArrayList<>();
    for (int pool = 0; pool < pages.pools(); pool++) {
      from.add(pages.first(pool));
    }
    p.sender.ready(
        pages,
        new Prefilled(
            from,
            tokens,
            first.active.scores.all(),
            first.active.completion.cachedTokens(),
            speculator.drafter().state(first.drafts())));
  }

  /** Everything was sent. */
  void sent(PrefillTicket p) {
    if (p.queue == Queue.INFLIGHT) {
      p.queue = null; // no caller is left to be told
      requests.finish(p.choice);
    }
  }
}
