package orrery;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import orrery.fixtures.attic.Unplanned;
import orrery.fixtures.batching.Draws;
import orrery.fixtures.batching.NamesAnArchitecture;
import orrery.fixtures.engine.LoadsAnArchitecture;
import orrery.fixtures.graph.MathReference;
import orrery.fixtures.kernels.Boxes;
import orrery.fixtures.kernels.LaneFunctions;
import orrery.fixtures.kernels.Reductions;
import orrery.fixtures.kv.Statics;
import orrery.fixtures.model.classic.ClassicModel;
import orrery.fixtures.model.other.UsesAnArchitecture;
import orrery.fixtures.numerics.LooksUpstairs;
import orrery.fixtures.numerics.StrictExp;
import orrery.fixtures.prefix.UsesSampling;
import orrery.fixtures.server.Prints;
import orrery.model.classic.ClassicConfig;
import orrery.model.deepseekv4.DeepSeekV4Config;

/**
 * Every rule holds in the house. In the crooked copy below {@code orrery.fixtures}, every rule
 * names exactly the classes that break it.
 */
class ArchitectureTest {

  private static final JavaClasses HOUSE =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("orrery");

  private static final JavaClasses FIXTURES =
      new ClassFileImporter().importPackages("orrery.fixtures");

  @Test
  void theRulesSeeTheHouse() {
    assertThat(HOUSE.stream().map(JavaClass::getName))
        .contains("orrery.sampling.KeyedRandom")
        .noneMatch(name -> name.startsWith("orrery.fixtures"));
  }

  @Test
  void everyPackageIsInThePlan() {
    check(ArchitectureRules::packagesArePlanned, Unplanned.class);
  }

  @Test
  void aPackageUsesOnlyWhatStandsBeforeItInThePlan() {
    check(
        ArchitectureRules::packagesUseOnlyWhatStandsBelow, LooksUpstairs.class, UsesSampling.class);
  }

  @Test
  void packagesHaveNoCycles() {
    new ArchitectureRules("orrery").packagesHaveNoCycles().check(HOUSE);
    List<String> cycles =
        new ArchitectureRules("orrery.fixtures")
            .packagesHaveNoCycles()
            .evaluate(FIXTURES)
            .getFailureReport()
            .getDetails();
    assertThat(cycles).singleElement().asString().contains("Slice prefix", "Slice sampling");
  }

  @Test
  void anArchitectureIsNamedInOnePlace() {
    check(
        ArchitectureRules::architecturesStayBehindTheModelContract,
        LoadsAnArchitecture.class,
        NamesAnArchitecture.class,
        UsesAnArchitecture.class);
  }

  /**
   * A constant leaves no trace of its class in the classes that use it, so the text is searched.
   */
  @Test
  void noCodeAsksForAModelTypeOutsideTheModelAndTheOneMap() throws IOException {
    List<Path> house;
    try (Stream<Path> files = Files.walk(Path.of("src/main/java/orrery"))) {
      house = files.filter(file -> file.toString().endsWith(".java")).toList();
    }
    List<Path> naming = new ArrayList<>();
    for (Path file : house) {
      if (namesAModelType(Files.readString(file))) {
        naming.add(Path.of("src/main/java/orrery/").relativize(file));
      }
    }
    assertThat(naming)
        .isNotEmpty()
        .allMatch(f -> f.startsWith("model") || f.equals(Path.of("engine/Architectures.java")))
        .noneMatch(f -> f.getNameCount() == 2 && f.startsWith("model"));
    assertThat(namesAModelType("if (type.equals(\"deepseek_v4\")) { // one of two")).isTrue();
    assertThat(namesAModelType("if (type.equals(DeepSeekV4Config.ARCHITECTURE)) {")).isTrue();
    assertThat(namesAModelType("/** As {@code glm4_moe} does. */ int a; // not deepseek_v4"))
        .isFalse();
  }

  private static boolean namesAModelType(String source) {
    String code = source.replaceAll("(?s)/\\*.*?\\*/|//[^\n]*", "");
    return Stream.of(ClassicConfig.ARCHITECTURE, DeepSeekV4Config.ARCHITECTURE, ".ARCHITECTURE")
        .anyMatch(code::contains);
  }

  @Test
  void floatLanesAreReducedOnlyByMinOrMax() {
    check(
        ArchitectureRules::floatLanesAreReducedOnlyByMinOrMax,
        Reductions.ByAdd.class,
        Reductions.ByAddOfDoubles.class,
        Reductions.ByMaskedProduct.class,
        Reductions.ByChoice.class,
        Reductions.ByParameter.class,
        Reductions.ByLambda.class,
        Reductions.ByReference.class,
        Reductions.ByAddToLong.class);
  }

  @Test
  void lanesUseNoLibraryFunction() {
    check(
        ArchitectureRules::lanesUseNoLibraryFunction,
        LaneFunctions.Exp.class,
        LaneFunctions.PowInALambda.class);
  }

  @Test
  void modelCodeUsesNoLibraryFunction() {
    check(
        ArchitectureRules::modelCodeUsesNoLibraryFunction,
        StrictExp.class,
        MathReference.class,
        ClassicModel.class);
  }

  @Test
  void kernelsKeepVectorsInRegisters() {
    check(ArchitectureRules::kernelsKeepVectorsInRegisters, Boxes.class.getDeclaredClasses());
  }

  @Test
  void nothingStaticChanges() {
    check(ArchitectureRules::nothingStaticChanges, Statics.class.getDeclaredClasses());
  }

  @Test
  void onlyCliAndLabPrint() {
    check(ArchitectureRules::onlyCliAndLabPrint, Prints.class.getDeclaredClasses());
  }

  @Test
  void noClassDrawsFromAHiddenGenerator() {
    check(ArchitectureRules::noClassDrawsFromAHiddenGenerator, Draws.class.getDeclaredClasses());
  }

  private static void check(Function<ArchitectureRules, ArchRule> rule, Class<?>... guilty) {
    ArchRule crooked = rule.apply(new ArchitectureRules("orrery.fixtures"));
    List<String> found = crooked.evaluate(FIXTURES).getFailureReport().getDetails();
    assertThat(found.stream().map(line -> line.substring(0, line.indexOf(": "))).distinct())
        .as("fixtures that break: %s", crooked.getDescription())
        .containsExactlyInAnyOrderElementsOf(Stream.of(guilty).map(Class::getName).toList());
    rule.apply(new ArchitectureRules("orrery")).check(HOUSE);
  }
}
