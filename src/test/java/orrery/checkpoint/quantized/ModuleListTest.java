package orrery.checkpoint.quantized;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModuleListTest {

  @ParameterizedTest
  @CsvSource({
    "lm_head, lm_head, true",
    "lm_head, model.lm_head, false",
    "model.layers.1, model.layers.1.mlp.up_proj, true",
    "model.layers.1, model.layers.10.mlp.up_proj, false",
    "Linear, anything.at.all, true",
    "re:.*mlp.gate$, model.layers.3.mlp.gate, true",
    "re:.*mlp.gate$, model.layers.3.mlp.gate_proj, false",
    "re:model, model.layers.3, true",
    "re:layers, model.layers.3, false",
    "*self_attn*, model.layers.0.self_attn.q_proj, true",
    "model.layers.78*, model.layers.78.mlp.up_proj, true",
    "model.layers.78*, model.layers.7.mlp.up_proj, false",
    "*.up_proj, model.up_proj, true",
    "*.up_proj, model-up_proj, false"
  })
  void anEntryIsANameAPatternOrAClass(String entry, String module, boolean has) {
    ModuleList list = new ModuleList(Path.of("config.json"), List.of("other", entry));
    assertThat(list.has(module)).isEqualTo(has);
  }
}
