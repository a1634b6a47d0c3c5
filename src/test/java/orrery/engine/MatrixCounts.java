package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import orrery.batching.StepPlan;
import orrery.events.Event;
import orrery.events.HostHit;
import orrery.events.HostPools;
import orrery.events.Loaded;
import orrery.events.PartsRead;
import orrery.events.Prefetched;
import orrery.events.Stored;
import orrery.events.Written;
import orrery.graph.Step;
import orrery.kv.KvDtype;
import orrery.kv.PageTable;
import orrery.model.Model;

/** Counts what happens in an engine; all but {@code aborted} on the engine's thread. */
final class MatrixCounts {
  int retractions;
  int hits;
  int decodedHits; // hits of follow-ups that end behind tokens that were decoded one by one
  int forks;
  int forksBehindHits; // by a sequence that began with a hit
  int padding;
  int mostRunning;
  int mostPrefill;
  int mixed;
  int aborted;
  int drafted;
  int accepted;
  int rejected;
  long passedPages; // of the sequences of all steps
  int tombstones; // evictions from windowed pools
  int chunks; // pieces of prompts behind which the prompt goes on
  int scored; // answers with log-probabilities of the prompt
  int scoredBehindHits; // of these, by a sequence that began with a hit
  int scoredRetracted; // of these, by a sequence that was retracted
  int complete; // answers that ended since their constraint let nothing follow
  final Set<Integer> constrained = new HashSet<>(); // requests with a constraint, of the first wave
  int keyframes; // compared with the books that events told
  private final Map<Integer, Integer> acceptedOf = new HashMap<>(); // drafts, by request
  int refusals; // steps that admitted no more, for want of pages
  int stores; // parts that came to lie in host memory
  int loads; // parts that were loaded from there
  int hostEvictions; // parts that gave up their slot
  int loadsOfRetracted; // sequences that start again behind a hit with rows to be loaded
  int forksBehindLoads; // by a sequence that began with such a hit
  int writes; // parts that were written to files
  int reads; // parts that came from files
  int readsAfterRestart; // of these, those of an engine that found files of another one
  boolean restarted;
  final Map<String, Integer> prefetches = new HashMap<>(); // by their end
  int tierEvents;
  long written; // entries that were completed on the host
  long chosen; // entries that rows chose, of those in buffers
  long misses; // of these, those that came from the host
  long direct; // entries that rows read on the host
  long slotsTaken; // entries that gave up their slot of a buffer
  private Event.SparseReads sparse; // of the step that is reported now
  private final Set<Integer> loaders = new HashSet<>(); // sequences that began with such a hit
  private final Set<Integer> retracted = new HashSet<>(); // sequences
  private final int pools;
  private final Set<Integer> hitters = new HashSet<>(); // sequences that began with a hit

  MatrixCounts(Model model) {
    pools = model.kvLayout(false, KvDtype.F32).pools().length;
  }

  synchronized void see(Answer a) {
    if (!a.promptLogprobs().isEmpty()) {
      scored++;
      scoredBehindHits += a.cachedTokens() > 0 && a.choice() == 0 ? 1 : 0;
      scoredRetracted += a.retractions() > 0 ? 1 : 0;
    }
  }

  synchronized void see(Event e) {
    tierEvents += e instanceof Event.Tiers ? 1 : 0;
    switch (e) {
      case Event.Retracted r -> {
        retractions++;
        retracted.add(r.sequence());
      }
      case HostHit h -> {
        loaders.add(h.sequence());
        loadsOfRetracted += retracted.contains(h.sequence()) ? 1 : 0;
      }
      case Loaded l -> loads += l.parts();
      case Stored s -> stores++;
      case Written w -> writes++;
      case PartsRead r -> {
        reads += r.parts();
        readsAfterRestart += restarted ? r.parts() : 0;
      }
      case Prefetched p -> prefetches.merge(p.why(), 1, Integer::sum);
      case HostPools p ->
          hostEvictions += p.pools().stream().mapToInt(HostPools.HostSlots::evicted).sum();
      case Event.Forked f -> {
        forks++;
        forksBehindHits += hitters.contains(f.sibling()) ? 1 : 0;
        forksBehindLoads += loaders.contains(f.sibling()) ? 1 : 0;
      }
      case Event.Verified v -> {
        drafted += v.drafts().length;
        accepted += v.accepted();
        acceptedOf.merge(v.request(), v.accepted(), Integer::sum);
        rejected += v.judged() - v.accepted();
      }
      case Event.Admitted a -> {
        if (a.hit() > 0) {
          hits++;
          hitters.add(a.sequence());
        }
      }
      case Event.SparseReads s -> {
        assertThat(s.hits() + s.misses()).isEqualTo(s.chosen());
        written += s.written();
        chosen += s.chosen();
        misses += s.misses();
        direct += s.direct();
        slotsTaken += s.evicted();
        sparse = s;
      }
      case Event.Evicted v -> tombstones += !v.pool().equals("all") && v.pages() > 0 ? 1 : 0;
      case Event.StepDone s -> {
        boolean direct = sparse != null && sparse.step() == s.step() && sparse.direct() > 0;
        assertThat(direct && s.prefillRows() == 0).as("a decode step read on the host").isFalse();
        padding += s.paddingRows();
        mostRunning = Math.max(mostRunning, s.running());
        mostPrefill = Math.max(mostPrefill, s.prefillRows());
        mixed += s.prefillRows() > 0 && s.decodeRows() > 0 ? 1 : 0;
        refusals += s.stop().equals(StepPlan.Stop.NO_PAGES.name()) ? 1 : 0;
      }
      default -> {}
    }
  }

  /** Accepted drafts of the requests with a constraint; to be asked at the end. */
  synchronized int acceptedConstrained() {
    return constrained.stream().mapToInt(id -> acceptedOf.getOrDefault(id, 0)).sum();
  }

  /** Looks at the page tables of a step, and at the rows that want no logits. */
  synchronized void look(Step step) {
    int[] sequences = Arrays.stream(step.sequence, 0, step.rows()).distinct().toArray();
    for (int sequence : sequences) {
      look(step.tables[sequence]);
    }
    long want =
        Arrays.stream(step.logitRow, 0, step.logitRows())
            .map(row -> step.sequence[row])
            .distinct()
            .count();
    chunks += (int) (sequences.length - want);
  }

  private void look(PageTable table) {
    for (int pool = 0; pool < pools; pool++) {
      passedPages += table.first(pool);
    }
  }
}
