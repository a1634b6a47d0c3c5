package orrery.cli;

import orrery.hisparse.HisparseConfig;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the sizes of device buffers as users write them, in JSON. */
final class HisparseConfigName implements ITypeConverter<HisparseConfig> {
  @Override
  public HisparseConfig convert(String json) {
    try {
      return HisparseConfig.parse(json);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }
}
