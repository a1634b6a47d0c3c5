package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.kernels.KernelSet;
import orrery.speculation.SpeculationOptions.Acceptance;

/**
 * The switch matrix has every switch that can be on or off, or one of a few things, and every
 * number with values that hurt.
 */
class SwitchCellTest {
  /** Values that no cell has, and why. */
  private static final Map<Object, String> NOT_IN_THE_MATRIX =
      Map.of(
          KernelSet.AUTO, "scalar or vector, by the number of rows; both are there",
          Acceptance.TARGET_ONLY, "keeps the distribution, not the text",
          Acceptance.REJECTION, "keeps the distribution, not the text");

  /** Numbers without values of their own in the matrix, and why. */
  private static final Map<String, String> NO_VALUES =
      Map.ofEntries(
          Map.entry("max-total-tokens", "tight or ample, as the requests of a set need"),
          Map.entry(
              "swa-full-tokens-ratio", "automatic, few or full, as the requests of a set need"),
          Map.entry("hicache-ratio", "the size decides; HostMemoryTest has it"),
          Map.entry("hicache-size", "few blocks or some more, as large as those of a model are"),
          Map.entry("hicache-storage-dir", "one for each cell"),
          Map.entry("hicache-storage-size", "more than a cell writes; StoreFaultsTest has less"),
          Map.entry("hicache-storage-prefetch-threshold", "one token; StorageTest has others"),
          Map.entry("context-length", "the longest request of a set"),
          Map.entry(
              "schedule-conservativeness",
              "low, so that retractions happen; EngineWalkTest has both"),
          Map.entry("max-queued-requests", "refuses requests; EngineTest has it"),
          Map.entry("batch-wait-millis", "time alone; StaticPolicyTest has it"),
          Map.entry("speculative-disable-by-batch-size", "EngineWalkTest draws it"),
          Map.entry("speculative-ngram-min", "NgramDrafterTest has it"),
          Map.entry("speculative-ngram-max", "NgramDrafterTest has it"),
          Map.entry("speculative-synthetic-accept-length", "changes the text"));

  @Test
  void everyNumberOfTheOptionsHasValuesForTheMatrixOrAReasonForNone() {
    List<String> without =
        Switch.all().stream().filter(s -> s.values().isEmpty()).map(Switch::name).toList();
    assertThat(without)
        .as("numbers without values: name some in Switch.NUMBERS, or a reason in NO_VALUES")
        .containsExactlyInAnyOrderElementsOf(NO_VALUES.keySet());
  }

  @Test
  void everySwitchOfTheOptionsIsInTheMatrixWithAllItsValues() {
    List<EngineOptions> cells = new ArrayList<>();
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("v4-mtp"))) {
      for (SwitchCell cell : SwitchCell.covering(List.of(Served.values()), 2, 20)) {
        cells.add(cell.options(loaded.model(), 96, 40, 16));
      }
    }
    List<String> names = new ArrayList<>();
    for (Switch s : Switch.all()) {
      Set<Object> open = new LinkedHashSet<>(s.values());
      open.removeAll(NOT_IN_THE_MATRIX.keySet());
      cells.forEach(o -> open.remove(s.get(o)));
      assertThat(open).as("values of %s that are in no cell", s).isEmpty();
      names.add(s.name());
    }
    assertThat(names).contains("graph", "radix-eviction-policy", "speculative-coupled-drafts");
  }

  @Test
  void anyTwoValuesOfTwoSwitchesMeetInACell() {
    List<SwitchCell> cells = SwitchCell.covering(List.of(Served.values()), 2, 20);
    for (Object graph : List.of(false, true)) {
      for (Object drafts : List.of(false, true)) {
        assertThat(cells)
            .anyMatch(
                c ->
                    graph.equals(c.graph())
                        && drafts.equals(c.others().get("speculative-coupled-drafts")));
      }
    }
  }
}
