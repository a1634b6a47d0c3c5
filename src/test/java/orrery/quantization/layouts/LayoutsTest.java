package orrery.quantization.layouts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import orrery.model.QuantizedParts;
import orrery.model.QuantizedParts.Role;

class LayoutsTest {
  private static final QuantizedParts PARTS =
      new QuantizedParts(List.of(), List.of(), ".mlp.experts.", "weight_scale_inv", false);
  private static final Kept KEPT =
      new Kept(List.of("lm_head", "model.norm", "a.bias"), List.of("lm_head"));

  @Test
  void everyWordNamesItsLayout() {
    assertThat(Layouts.names())
        .containsExactly("fp8", "fp8-channel", "mxfp8", "mxfp4", "nvfp4", "v4");
    for (String name : Layouts.names()) {
      assertThat(Layouts.of(name, null).name()).isEqualTo(name);
      assertThat(Layouts.of(name, null).form(Role.KEPT, PARTS)).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "fp9 | | format: expected fp8, fp8-channel, mxfp8, mxfp4, nvfp4, v4, found fp9",
        "fp8 | fp8 | experts: expected mxfp4, nvfp4, found fp8",
        "fp9 | mxfp4 | format: expected fp8, fp8-channel, mxfp8, mxfp4, nvfp4, v4, found fp9",
        "fp8 | mxfp4 | format: expected fp8-channel or none beside experts in mxfp4, found fp8; the"
            + " published layout of FP8 blocks and FP4 experts is v4",
        "mxfp8 | nvfp4 | format: expected fp8-channel or none beside experts in nvfp4, found mxfp8,"
            + " a layout that describes all matrices of a model",
        "v4 | mxfp4 | format: expected fp8-channel or none beside experts in mxfp4, found v4, which"
            + " has experts in FP4 already",
        " | | format: expected fp8, fp8-channel, mxfp8, mxfp4, nvfp4, v4, or experts in a format,"
            + " found neither"
      })
  void whatCannotBeCombinedIsRefused(String format, String experts, String message) {
    assertThatThrownBy(() -> Layouts.of(format, experts))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void onlyAModelWhoseReleasesHaveFp4ExpertsCanBeStoredAsDeepSeekV4() {
    assertThatThrownBy(() -> Layouts.of("v4", null).require(PARTS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("format: expected a model whose releases have FP4 experts");
    for (String name : List.of("fp8", "fp8-channel", "mxfp8", "mxfp4", "nvfp4")) {
      Layouts.of(name, null).require(PARTS);
    }
  }

  private static Map<?, ?> config(String format, String experts) {
    Layout layout = Layouts.of(format, experts);
    return (Map<?, ?>) layout.fields(PARTS, KEPT).get("quantization_config");
  }

  @Test
  void expertsApartAreAGroupWithAPatternBesideThatOfAllLinearLayers() {
    Map<?, ?> config = config("fp8-channel", "nvfp4");
    assertThat(config.get("format")).isEqualTo("mixed-precision");
    Map<?, ?> groups = (Map<?, ?>) config.get("config_groups");
    Map<?, ?> experts = (Map<?, ?>) groups.get("group_0");
    assertThat(experts.get("targets")).isEqualTo(List.of("re:.*\\.mlp\\.experts\\..*"));
    assertThat(experts.get("format")).isEqualTo("nvfp4-pack-quantized");
    Map<?, ?> rest = (Map<?, ?>) groups.get("group_1");
    assertThat(rest.get("targets")).isEqualTo(List.of("Linear"));
    assertThat(rest.get("format")).isEqualTo("float-quantized");
  }

  @Test
  void expertsAloneAreTheOnlyGroup() {
    Layout layout = Layouts.of(null, "mxfp4");
    assertThat(layout.form(Role.LINEAR, PARTS)).as("stays as it is").isEmpty();
    assertThat(layout.form(Role.EXPERT, PARTS)).isPresent();
    Map<?, ?> config = config(null, "mxfp4");
    assertThat(config.get("format")).isEqualTo("mxfp4-pack-quantized");
    assertThat(((Map<?, ?>) config.get("config_groups")).keySet().toString())
        .isEqualTo("[group_0]");
  }

  @Test
  void aListOfModulesThatAreMatchedByTheirBeginningsNamesMatricesOnly() {
    assertThat(config("fp8", null).get("modules_to_not_convert")).isEqualTo(List.of("lm_head"));
    assertThat(config("mxfp8", null).get("ignored_layers")).isEqualTo(List.of("lm_head"));
    assertThat(config("mxfp4", null).get("ignore")).isEqualTo(KEPT.all());
  }
}
