package orrery.speculation;

import java.util.Arrays;
import orrery.kv.PageTable;
import orrery.prefix.PrefixCache.Lease;
import orrery.sampling.History;
import orrery.sampling.SamplingParams;

/** One sequence of {@link Lanes}. */
final class Lane implements Draftable {
  final int prompt; // tokens of the prompt
  final int longest;
  final SamplingContext sampling;
  int[] tokens; // [longest]
  int known;
  int computed;
  PageTable table;
  Lease lease;
  Drafts drafts;
  Lane forkOf; // null if it is no fork

  Lane(int vocab, int[] prompt, int longest, SamplingParams params, int choice) {
    this.prompt = prompt.length;
    this.longest = longest;
    this.tokens = Arrays.copyOf(prompt, longest);
    this.known = prompt.length;
    this.sampling =
        new SamplingContext(params, new History(vocab, prompt), params.seed().orElse(0), choice);
  }

  @Override
  public int[] tokens() {
    return tokens;
  }

  @Override
  public int known() {
    return known;
  }

  @Override
  public int computed() {
    return computed;
  }

  @Override
  public PageTable table() {
    return table;
  }

  int[] text() {
    return Arrays.copyOf(tokens, known);
  }

  boolean decodes() {
    return computed == known - 1 && known > prompt;
  }

  boolean ended() {
    return known == longest;
  }

  void append(int token) {
    tokens[known++] = token;
    sampling.history().push(token);
  }
}
