package orrery.speculation;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.graph.Op;
import orrery.graph.OperandCheck;
import orrery.hisparse.FetchEntries;
import orrery.kernels.Kernels;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;

/**
 * Every op of every program of a model reads and writes exactly what it declares. The test stands
 * here because a chain of drafts has ops of all packages below.
 */
class DeclaredOperandsTest {
  /**
   * Ops with buffers that they keep from step to step, so that they cannot be run again from the
   * same state. What they leave is checked by tests of their own.
   */
  private static final Set<String> WITH_STATE = Set.of(FetchEntries.class.getName());

  static Stream<Path> specks() {
    List<Path> rounded =
        List.of(TinyModels.quantised("glm-fp8-block"), TinyModels.quantised("v4-release"));
    return Stream.of(TinyModels.specks(), TinyModels.v4Specks(), rounded).flatMap(List::stream);
  }

  @ParameterizedTest
  @MethodSource("specks")
  void anOpChangesOnlyWhatItDeclaresAndDependsOnNothingElse(Path directory) {
    for (Kernels kernels : List.of(new ScalarKernels(), new VectorKernels())) {
      requireDeclarations(directory, kernels, false);
      requireDeclarations(directory, kernels, true);
    }
  }

  private static void requireDeclarations(Path directory, Kernels kernels, boolean fused) {
    try (ProgramBench bench = new ProgramBench(directory, kernels, 1)) {
      for (ProgramBench.Program program : bench.programs(1)) {
        program.prepare().run();
        List<Op> ops = program.ops(fused);
        OperandCheck check = new OperandCheck(bench.step, ops);
        ops.forEach(check::run);
      }
    }
  }

  /** A new op must come in a program above, or it is not checked. */
  @Test
  void noOpOfTheHouseIsMissingAbove() {
    Set<String> checked = new TreeSet<>(WITH_STATE);
    for (Path directory : specks().toList()) {
      try (ProgramBench bench = new ProgramBench(directory, new ScalarKernels(), 1)) {
        for (ProgramBench.Program program : bench.programs(1)) {
          program.ops(false).forEach(op -> checked.add(op.getClass().getName()));
          program.ops(true).forEach(op -> checked.add(op.getClass().getName()));
        }
      }
    }
    Set<String> all =
        new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("orrery")
                .stream()
                .filter(type -> type.isAssignableTo(Op.class))
                .filter(type -> !type.getModifiers().contains(JavaModifier.ABSTRACT))
                .map(JavaClass::getName)
                .collect(Collectors.toCollection(TreeSet::new));
    assertThat(checked).isEqualTo(all).hasSizeGreaterThan(15);
  }
}
