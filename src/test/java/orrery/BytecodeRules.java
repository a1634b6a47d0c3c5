package orrery;

import com.tngtech.archunit.core.domain.JavaClass;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.FieldModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.LoadInstruction;
import java.lang.classfile.instruction.NewMultiArrayInstruction;
import java.lang.classfile.instruction.NewReferenceArrayInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.reflect.AccessFlag;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Rules about single instructions or the bodies of lambdas. ArchUnit shows neither, so these rules
 * read the class file with the JDK's own {@code java.lang.classfile}.
 */
final class BytecodeRules {

  private static final String VECTORS = "jdk.incubator.vector";
  private static final Set<String> FLOAT_VECTORS = Set.of("FloatVector", "DoubleVector", "Vector");
  private static final Set<String> SHAPES = Set.of("VectorSpecies", "VectorShuffle");

  private BytecodeRules() {}

  /**
   * The order of a float {@code reduceLanes(ADD)} is undefined; the order of MIN and MAX does not
   * matter. A call passes only if the instruction before it reads {@code VectorOperators.MIN} or
   * {@code MAX} (the load of a mask may be between them), without a jump target between the two. So
   * the operator cannot come from a variable, a parameter or a {@code ?:}. A method reference to
   * {@code reduceLanes} never passes. Sums of integer lanes are exact in any order and always pass.
   */
  static void checkReductionsOfFloatLanes(JavaClass type, Consumer<String> problems) {
    for (MethodModel method : parse(type).methods()) {
      List<CodeElement> code =
          method.code().stream()
              .flatMap(body -> body.elementList().stream())
              .filter(element -> !(element instanceof LineNumber))
              .toList();
      for (int i = 0; i < code.size(); i++) {
        boolean banned =
            switch (code.get(i)) {
              case InvokeInstruction call ->
                  isFloatReduction(call.owner().asSymbol(), call.name().stringValue())
                      && !readsMinOrMax(code, i - 1);
              case InvokeDynamicInstruction lambda -> refersToFloatReduction(lambda);
              default -> false;
            };
        if (banned) {
          problems.accept(
              "method "
                  + method.methodName().stringValue()
                  + " reduces float lanes by another operator than a literal MIN or MAX");
        }
      }
    }
  }

  /**
   * C2 stops inlining helpers in large compilations. Then every vector that crosses a call, or is
   * in a field or an array, becomes an object, and the code is 20 times slower. Lambdas count as
   * methods here.
   */
  static void checkVectorsStayInRegisters(JavaClass type, Consumer<String> problems) {
    ClassModel model = parse(type);
    for (FieldModel field : model.fields()) {
      ClassDesc kind = field.fieldTypeSymbol();
      String name = field.fieldName().stringValue();
      if (kind.isArray() && isVector(elementOf(kind))) {
        problems.accept("field " + name + " is an array of vectors");
      } else if ((isVector(kind) || isNamed(kind, SHAPES))
          && !(field.flags().has(AccessFlag.STATIC) && field.flags().has(AccessFlag.FINAL))) {
        problems.accept("field " + name + " of type " + kind.displayName() + " is not a constant");
      }
    }
    for (MethodModel method : model.methods()) {
      String name = method.methodName().stringValue();
      if (isVector(elementOf(method.methodTypeSymbol().returnType()))) {
        problems.accept("method " + name + " returns a vector");
      }
      if (method.methodTypeSymbol().parameterList().stream()
          .anyMatch(kind -> isNamed(elementOf(kind), Set.of("VectorSpecies")))) {
        problems.accept("method " + name + " takes a species");
      }
      method
          .code()
          .ifPresent(
              code -> {
                if (code.elementStream().anyMatch(BytecodeRules::makesAnArrayOfVectors)) {
                  problems.accept("method " + name + " makes an array of vectors");
                }
              });
    }
  }

  private static boolean readsMinOrMax(List<CodeElement> code, int last) {
    int at = last;
    if (at >= 0 && code.get(at) instanceof LoadInstruction) {
      at--; // the mask
    }
    return at >= 0
        && code.get(at) instanceof FieldInstruction read
        && read.opcode() == Opcode.GETSTATIC
        && isNamed(read.owner().asSymbol(), Set.of("VectorOperators"))
        && Set.of("MIN", "MAX").contains(read.name().stringValue());
  }

  private static boolean refersToFloatReduction(InvokeDynamicInstruction lambda) {
    return lambda.bootstrapArgs().stream()
        .anyMatch(
            argument ->
                argument instanceof DirectMethodHandleDesc handle
                    && isFloatReduction(handle.owner(), handle.methodName()));
  }

  private static boolean isFloatReduction(ClassDesc owner, String method) {
    return isNamed(owner, FLOAT_VECTORS) && method.startsWith("reduceLanes");
  }

  private static boolean makesAnArrayOfVectors(CodeElement element) {
    return switch (element) {
      case NewReferenceArrayInstruction made -> isVector(made.componentType().asSymbol());
      case NewMultiArrayInstruction made -> isVector(elementOf(made.arrayType().asSymbol()));
      default -> false;
    };
  }

  private static ClassDesc elementOf(ClassDesc kind) {
    ClassDesc element = kind;
    while (element.isArray()) {
      element = element.componentType();
    }
    return element;
  }

  private static boolean isVector(ClassDesc kind) {
    return kind.isClassOrInterface()
        && kind.packageName().equals(VECTORS)
        && (kind.displayName().endsWith("Vector") || kind.displayName().equals("VectorMask"));
  }

  private static boolean isNamed(ClassDesc kind, Set<String> names) {
    return kind.isClassOrInterface()
        && kind.packageName().equals(VECTORS)
        && names.contains(kind.displayName());
  }

  private static ClassModel parse(JavaClass type) {
    try (InputStream bytes = type.getSource().orElseThrow().getUri().toURL().openStream()) {
      return ClassFile.of().parse(bytes.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
