package orrery;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * The rules of the house, over the classes below one root package. The root is a parameter, so the
 * fixtures below {@code orrery.fixtures} can be a small crooked copy of the house, in which every
 * rule is seen to fail.
 *
 * <p>Every violation reads {@code "class name: what is wrong"}.
 */
public final class ArchitectureRules {

  /** In the plan: one package for each architecture, none of which uses another. */
  private static final String ARCHITECTURE = "model.*";

  /** The plan: a package may use only packages that stand before it. */
  static final List<String> ROOMS =
      List.of(
          """
          numerics options events files quantization kernels checkpoint checkpoint.quantized text kv graph
          hisparse attention moe hyper model model.* quantization.layouts prefix grammar sampling speculation speculation.length speculation.rules
          batching offload engine disagg observe openai sglang server xray lab cli
          """
              .split("\\s+"));

  /** Packages in which a sum, a product or a draw decides the tokens of a model. */
  private static final Set<String> MODEL_CODE =
      Set.of(
          """
          numerics quantization kernels kv graph attention moe hyper model model.*
          sampling speculation speculation.length speculation.rules
          """
              .split("\\s+"));

  private static final String NAMES_ARCHITECTURES = "engine.Architectures";
  private static final Set<String> MAY_PRINT = Set.of("cli", "lab");

  /**
   * Functions whose results Java lets differ by an ulp or two, between machines or between C1 and
   * C2. VectorOperators has them too.
   */
  private static final Set<String> LIBRARY_FUNCTIONS =
      Set.of(
          """
          sin cos tan asin acos atan atan2 sinh cosh tanh exp expm1 log log10
          log1p pow cbrt hypot
          """
              .split("\\s+"));

  private final String root;

  ArchitectureRules(String root) {
    this.root = root;
  }

  /** The plan: packages from the lowest to the highest. */
  public static List<String> rooms() {
    return ROOMS;
  }

  ArchRule packagesArePlanned() {
    return rule(
        "every package is in the plan",
        (type, problems) -> {
          if (!ROOMS.contains(planned(room(type)))) {
            problems.accept("package " + type.getPackageName() + " is not in the plan");
          }
        });
  }

  ArchRule packagesUseOnlyWhatStandsBelow() {
    return rule(
        "a package uses only what stands before it in the plan",
        (type, problems) -> {
          int floor = floor(type);
          for (Dependency use : type.getDirectDependenciesFromSelf()) {
            if (floor(use.getTargetClass()) > floor) {
              problems.accept(use.getDescription());
            }
          }
        });
  }

  ArchRule packagesHaveNoCycles() {
    return slices().matching(root + ".(**)").should().beFreeOfCycles().allowEmptyShould(true);
  }

  ArchRule architecturesStayBehindTheModelContract() {
    return rule(
        "only engine.Architectures names an architecture; all others see orrery.model",
        (type, problems) -> {
          String own = room(type);
          for (Dependency use : type.getDirectDependenciesFromSelf()) {
            String target = room(use.getTargetClass());
            if (planned(target).equals(ARCHITECTURE)
                && !target.equals(own)
                && !type.getName().equals(root + "." + NAMES_ARCHITECTURES)) {
              problems.accept(use.getDescription());
            }
          }
        });
  }

  ArchRule floatLanesAreReducedOnlyByMinOrMax() {
    return rule(
        "float lanes are reduced only by MIN or MAX", BytecodeRules::checkReductionsOfFloatLanes);
  }

  ArchRule lanesUseNoLibraryFunction() {
    return rule(
        "no lanewise library function",
        (type, problems) -> {
          for (JavaAccess<?> access : type.getFieldAccessesFromSelf()) {
            if (access.getTargetOwner().getName().equals("jdk.incubator.vector.VectorOperators")
                && LIBRARY_FUNCTIONS.contains(access.getName().toLowerCase(Locale.ROOT))) {
              problems.accept(access.getDescription());
            }
          }
        });
  }

  ArchRule modelCodeUsesNoLibraryFunction() {
    return rule(
        "model code uses no Math.exp and friends; StrictMath only for RoPE tables and in sampling",
        (type, problems) -> {
          boolean strictAllowed = room(type).equals("sampling") || type.getName().contains("Rope");
          for (JavaAccess<?> access : type.getAccessesFromSelf()) {
            String owner = access.getTargetOwner().getName();
            boolean banned =
                owner.equals("java.lang.Math")
                    || owner.equals("java.lang.StrictMath") && !strictAllowed;
            if (MODEL_CODE.contains(planned(room(type)))
                && banned
                && LIBRARY_FUNCTIONS.contains(access.getName())) {
              problems.accept(access.getDescription());
            }
          }
        });
  }

  ArchRule kernelsKeepVectorsInRegisters() {
    return rule(
        "kernels hand no vector around, and keep species and shuffles static final",
        (type, problems) -> {
          if (room(type).equals("kernels")) {
            BytecodeRules.checkVectorsStayInRegisters(type, problems);
          }
        });
  }

  /**
   * A static field must be final, and its type must not be one that is made to change. An array
   * counts as a table and is allowed, unless other classes can write it. (The rule does not see a
   * mutable list of type {@code List}.)
   */
  ArchRule nothingStaticChanges() {
    return rule(
        "nothing static changes",
        (type, problems) -> {
          for (JavaField field : type.getFields()) {
            Set<JavaModifier> modifiers = field.getModifiers();
            if (!modifiers.contains(JavaModifier.STATIC)) {
              continue;
            }
            if (!modifiers.contains(JavaModifier.FINAL)) {
              problems.accept("static field " + field.getName() + " is not final");
            } else if (isMadeToChange(field.getRawType())) {
              problems.accept("static field " + field.getName() + " holds what can change");
            } else if (field.getRawType().isArray() && modifiers.contains(JavaModifier.PUBLIC)) {
              problems.accept(
                  "static array " + field.getName() + " can be written by other classes");
            }
          }
        });
  }

  ArchRule onlyCliAndLabPrint() {
    return rule(
        "only cli and lab print",
        (type, problems) -> {
          for (JavaAccess<?> access : type.getAccessesFromSelf()) {
            String owner = access.getTargetOwner().getName();
            boolean stream =
                owner.equals("java.lang.System") && Set.of("out", "err").contains(access.getName());
            if (!MAY_PRINT.contains(room(type))
                && (stream || access.getName().equals("printStackTrace"))) {
              problems.accept(access.getDescription());
            }
          }
        });
  }

  ArchRule noClassDrawsFromAHiddenGenerator() {
    return rule(
        "random numbers come from orrery.sampling.KeyedRandom",
        (type, problems) -> {
          for (Dependency use : type.getDirectDependenciesFromSelf()) {
            String target = use.getTargetClass().getName();
            if (target.equals("java.util.Random")
                || target.equals("java.util.SplittableRandom")
                || target.equals("java.util.concurrent.ThreadLocalRandom")
                || target.startsWith("java.util.random.")) {
              problems.accept(use.getDescription());
            }
          }
          for (JavaAccess<?> access : type.getAccessesFromSelf()) {
            String target = access.getTarget().getFullName();
            if (target.equals("java.lang.Math.random()")
                || target.equals("java.lang.StrictMath.random()")
                || target.equals("java.util.Collections.shuffle(java.util.List)")) {
              problems.accept(access.getDescription());
            }
          }
        });
  }

  private static boolean isMadeToChange(JavaClass type) {
    return type.getPackageName().equals("java.util.concurrent.atomic")
        || type.isAssignableTo(ThreadLocal.class)
        || type.isAssignableTo(java.util.AbstractCollection.class)
        || type.isAssignableTo(java.util.AbstractMap.class)
        || type.isAssignableTo(java.util.BitSet.class)
        || type.isAssignableTo("java.lang.AbstractStringBuilder");
  }

  /** The package of a class relative to the root, or "" outside it. */
  private String room(JavaClass type) {
    String name = type.getBaseComponentType().getPackageName();
    return name.startsWith(root + ".") ? name.substring(root.length() + 1) : "";
  }

  /** The plan's name for a package. */
  private static String planned(String room) {
    return room.matches("model\\.\\w+") ? ARCHITECTURE : room;
  }

  private int floor(JavaClass type) {
    return ROOMS.indexOf(planned(room(type)));
  }

  private static ArchRule rule(String sentence, BiConsumer<JavaClass, Consumer<String>> check) {
    ArchCondition<JavaClass> condition =
        new ArchCondition<>("hold that " + sentence) {
          @Override
          public void check(JavaClass type, ConditionEvents events) {
            check.accept(
                type,
                problem ->
                    events.add(
                        SimpleConditionEvent.violated(type, type.getName() + ": " + problem)));
          }
        };
    return classes().should(condition).allowEmptyShould(true);
  }
}
