package orrery.speculation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import orrery.graph.Step;
import orrery.kernels.Kernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.model.ModelRunner;
import orrery.prefix.HashBlockCache;
import orrery.prefix.PrefixCache;
import orrery.sampling.Sampler;
import orrery.speculation.Drafter.Judged;

/** Runs sequences side by side through a real model with a drafter, without an engine. */
public final class Lanes implements AutoCloseable {
  private static final int MAX_ROWS = 64;
  private static final int MAX_LANES = 4;

  /** Makes a drafter of a model. */
  public interface Maker {
    Drafter make(ModelRunner runner, Step step, KvCache cache, Sampler sampler);
  }

  public final Model model;
  final KvCache cache;
  final PrefixCache prefix;
  final ModelRunner runner;
  final Step step;
  final Sampler sampler;
  final Drafter drafter;
  private final Team team = new Team(1);

  Lanes(Model model, int pageTokens, int longest, Kernels kernels, Maker maker) {
    this.model = model;
    int pages = 2 * MAX_LANES * ((longest + 1) / pageTokens + 1);
    cache =
        new KvCache(model.kvLayout(model.hasMtp(), KvDtype.F32), pageTokens, longest + 1, pages);
    prefix = new HashBlockCache(cache);
    runner = new ModelRunner(model, cache, team, MAX_ROWS, MAX_ROWS, true);
    step = new Step(MAX_ROWS, MAX_LANES, 1, kernels);
    sampler = new Sampler(model.vocab(), new int[0]);
    drafter = maker.make(runner, new Step(MAX_ROWS, MAX_LANES, 1, kernels), cache, sampler);
  }

  /** Some rows of one lane in the next step: known tokens, then its drafts. */
  record Rows(Lane lane, int pending) {
    int drafts() {
      return lane.drafts.count();
    }
  }

  void start(Lane s) {
    s.table = cache.newTable();
    int p = cache.geometry().pageTokens();
    var hit = prefix.acquire(s.tokens, (s.known - 1) / p * p, "", s.table);
    s.lease = hit.lease();
    s.computed = hit.tokens();
    s.drafts = drafter.start(s, s.sampling);
  }

  /** Starts another answer to the same prompt; it has its first token already. */
  void fork(Lane from, Lane to) {
    int complete = drafter.complete(from.drafts, from.computed);
    evict(cache.forkPages(0, from.table, from.computed, complete));
    to.table = cache.fork(from.table, from.computed, complete);
    to.lease = prefix.fork(from.lease);
    to.computed = from.computed;
    to.drafts = drafter.fork(from.drafts, to, to.sampling);
    to.forkOf = from;
  }

  void end(Lane s) {
    cache.release(s.table);
    prefix.release(s.lease);
    s.table = null;
  }

  private void evict(int wanted) {
    if (wanted > cache.pool(0).available()) {
      prefix.evict(0, wanted - cache.pool(0).available());
    }
  }

  /** Gives a lane pages for {@code rows} more rows. */
  void reserve(Lane s, int rows) {
    int slots = s.computed + rows + drafter.ahead();
    evict(cache.geometry().pages(0, slots) - s.table.end(0));
    cache.reserve(s.table, slots);
  }

  /** Computes rows, emits what the plain sampler draws from them, and lets the drafter follow. */
  void step(List<Rows> rows, boolean soon) {
    rows.forEach(r -> reserve(r.lane, r.pending + r.drafts()));
    step.clear();
    List<int[]> at = new ArrayList<>(); // [row, logit row]
    for (int i = 0; i < rows.size(); i++) {
      Rows r = rows.get(i);
      at.add(new int[] {step.rows(), step.logitRows()});
      step.tables[i] = r.lane.table;
      for (int j = 0; j < r.pending + r.drafts(); j++) {
        int p = r.lane.computed + j;
        int token = j < r.pending ? r.lane.tokens[p] : r.lane.drafts.token(j - r.pending);
        step.add(token, p, i, p >= r.lane.known - 1);
      }
    }
    Forward forward = runner.run(step);
    List<Judged> judged = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      Lane s = rows.get(i).lane;
      int from = s.computed;
      emit(rows.get(i), forward, at.get(i)[1]);
      s.drafts.keep(0);
      boolean prompt = rows.get(i).pending > 1 || from < s.prompt;
      judged.add(new Judged(s.drafts, from, at.get(i)[0], s.ended(), prompt || s.ended()));
    }
    drafter.follow(judged, forward.states(), soon);
    for (Rows r : rows) {
      cache.trim(r.lane.table, r.lane.computed + drafter.ahead());
      int complete = drafter.complete(r.lane.drafts, r.lane.computed);
      assertThat(r.lane.computed - complete).as("tokens left out").isBetween(0, drafter.behind());
      prefix.insert(r.lane.lease, r.lane.tokens, complete, r.lane.table);
    }
  }

  private void emit(Rows r, Forward forward, int logitRow) {
    Lane s = r.lane;
    s.computed += r.pending;
    if (s.computed < s.known) {
      return;
    }
    for (int i = 0; ; i++) {
      var logits = forward.logits();
      SamplingContext d = s.sampling;
      int token =
          sampler.sample(
              logits.data, logits.row(logitRow + i), d.params(), d.history(), d.seed(), d.choice());
      s.append(token);
      if (i >= r.drafts() || token != s.drafts.token(i) || s.ended()) {
        return;
      }
      s.computed++;
    }
  }

  @Override
  public void close() {
    team.close();
  }
}
