package orrery.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * All tensors of a model directory in Hugging Face layout: one {@code model.safetensors}, or the
 * shards that {@code model.safetensors.index.json} lists. If there is an index, it decides which
 * tensors the model has, also when a file called {@code model.safetensors} is beside it.
 *
 * <p>The index must agree exactly with the shards: each tensor is in the shard that the index says,
 * and no shard has a tensor that the index does not name. Nothing here depends on {@code
 * metadata.total_size}.
 *
 * <p>The checkpoint remembers which tensors were read, so a model loader can end with {@link
 * #refuseUnread}: if no layer reads a tensor, the config usually does not belong to these weights.
 * {@link #notices} tells what was passed over and may make a difference.
 */
public final class Checkpoint implements AutoCloseable {
  private static final int NAMES_SHOWN = 6;

  private final Path directory;
  private final List<SafetensorsFile> files;
  private final Map<String, SafetensorsFile> owners; // tensor name -> its file
  private final Set<String> taken = ConcurrentHashMap.newKeySet();
  private final List<String> notices = new CopyOnWriteArrayList<>();

  private Checkpoint(
      Path directory, List<SafetensorsFile> files, Map<String, SafetensorsFile> owners) {
    this.directory = directory;
    this.files = List.copyOf(files);
    this.owners = Collections.unmodifiableMap(owners);
  }

  /**
   * Maps the weights in {@code directory}.
   *
   * @throws CheckpointException if there are no weights, or if a file is broken or disagrees with
   *     the index
   */
  public static Checkpoint open(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw new CheckpointException(
          directory, Files.exists(directory) ? "not a directory" : "no such directory");
    }
    WeightFiles there = new WeightFiles(directory);
    Checkpoint checkpoint =
        there.indexed()
            ? openSharded(directory, directory.resolve(WeightFiles.INDEX))
            : openSingle(there);
    return Opening.orClose(
        checkpoint::close,
        () -> {
          checkpoint.notices.addAll(there.passedOver(checkpoint.fileNames()));
          return checkpoint;
        });
  }

  private Set<String> fileNames() {
    return files.stream().map(f -> f.file().getFileName().toString()).collect(Collectors.toSet());
  }

  private static Checkpoint openSingle(WeightFiles there) {
    if (!there.hasSingle()) {
      throw there.none();
    }
    Path directory = there.directory();
    SafetensorsFile file = SafetensorsFile.open(directory.resolve(WeightFiles.SINGLE));
    return Opening.orClose(
        file::close,
        () -> {
          Map<String, SafetensorsFile> owners = new LinkedHashMap<>();
          file.names().forEach(name -> owners.put(name, file));
          return new Checkpoint(directory, List.of(file), owners);
        });
  }

  private static Checkpoint openSharded(Path directory, Path index) {
    Map<String, String> weightMap = JsonConfig.read(index).object("weight_map").strings();
    if (weightMap.isEmpty()) {
      throw new CheckpointException(index, "weight_map", "tensors and their files", "none");
    }
    List<SafetensorsFile> files = new ArrayList<>();
    return Opening.orClose(
        () -> files.forEach(SafetensorsFile::close),
        () -> openShards(directory, index, weightMap, files));
  }

  /**
   * @param files takes each shard once it is open
   */
  private static Checkpoint openShards(
      Path directory, Path index, Map<String, String> weightMap, List<SafetensorsFile> files) {
    Map<String, SafetensorsFile> shards = new TreeMap<>();
    Map<String, SafetensorsFile> owners = new LinkedHashMap<>();
    for (Map.Entry<String, String> entry : weightMap.entrySet()) {
      SafetensorsFile shard = shards.get(entry.getValue());
      if (shard == null) {
        shard = openShard(directory, index, entry.getKey(), entry.getValue());
        files.add(shard);
        shards.put(entry.getValue(), shard);
      }
      requireIn(shard, index, entry.getKey());
      owners.put(entry.getKey(), shard);
    }
    refuseUnlisted(files, owners, index);
    return new Checkpoint(directory, files, owners);
  }

  private static SafetensorsFile openShard(Path directory, Path index, String tensor, String name) {
    // Printable ASCII without the separators of any system: no path out of the directory.
    boolean plain =
        name.endsWith(".safetensors")
            && name.chars().allMatch(c -> c > ' ' && c <= '~' && "/\\:".indexOf(c) < 0);
    String item = "weight_map: " + Tensor.item(tensor);
    if (!plain) {
      throw new CheckpointException(
          index, item, "the plain name of a .safetensors file beside the index", quoted(name));
    }
    Path shard = directory.resolve(name);
    if (!Files.exists(shard)) {
      boolean stale = new WeightFiles(directory).hasSingle();
      String advice =
          " (if " + WeightFiles.SINGLE + " beside it is the whole model, remove the index)";
      throw new CheckpointException(
          index, item, "the file " + quoted(name), "no such file" + (stale ? advice : ""));
    }
    return SafetensorsFile.open(shard);
  }

  private static String quoted(String name) {
    return '"' + CheckpointException.shown(name) + '"';
  }

  private static void requireIn(SafetensorsFile shard, Path index, String name) {
    if (!shard.has(name)) {
      throw new CheckpointException(
          shard.file(),
          Tensor.item(name),
          "it in this file, as " + index.getFileName() + " says",
          "it is not there");
    }
  }

  private static void refuseUnlisted(
      List<SafetensorsFile> files, Map<String, SafetensorsFile> owners, Path index) {
    for (SafetensorsFile file : files) {
      for (String name : file.names()) {
        if (owners.get(name) != file) {
          throw new CheckpointException(
              file.file(),
              Tensor.item(name),
              index.getFileName() + " to name this file for it",
              owners.containsKey(name)
                  ? owners.get(name).file().getFileName().toString()
                  : "no entry");
        }
      }
    }
  }

  /** The model directory. */
  public Path directory() {
    return directory;
  }

  /** The files of weights, in the order in which they are read. */
  public List<Path> files() {
    return files.stream().map(SafetensorsFile::file).toList();
  }

  /** All tensor names, in file order. */
  public Set<String> names() {
    return owners.keySet();
  }

  /** Whether there is a tensor of this name; asking does not count as reading it. */
  public boolean has(String name) {
    return owners.containsKey(name);
  }

  /** The entry of every tensor, file by file in data order. */
  public List<TensorInfo> infos() {
    return files.stream().flatMap(file -> file.infos().stream()).toList();
  }

  /**
   * What loading has passed over, or decided where the files contradict each other: for example a
   * file of weights that the index does not name, or a head that the config denies. Each notice is
   * one line that begins with a file's name. There is no notice of what provably makes no
   * difference.
   */
  public List<String> notices() {
    return List.copyOf(notices);
  }

  /** Adds to {@link #notices}; for model loaders. */
  public void notice(Path file, String what) {
    notices.add(file + ": " + what);
  }

  /** Bytes of all tensors together. */
  public long bytes() {
    return infos().stream().mapToLong(TensorInfo::bytes).sum();
  }

  /**
   * Returns the tensor {@code name} and marks it as read. Many threads may call this.
   *
   * @param expectedShape every dimension, outermost first; none for a scalar
   * @throws CheckpointException naming the file, the tensor and both shapes, if the tensor is
   *     missing or has another shape
   */
  public Tensor tensor(String name, long... expectedShape) {
    SafetensorsFile file = owners.get(name);
    if (file == null) {
      Path where =
          files.size() == 1 ? files.getFirst().file() : directory.resolve(WeightFiles.INDEX);
      throw new CheckpointException(
          where,
          Tensor.item(name),
          "it to be in the checkpoint",
          "only " + owners.size() + " other tensors");
    }
    taken.add(name);
    return file.tensor(name).requireShape(expectedShape);
  }

  /** The entry of a tensor, if there is one; asking does not count as reading it. */
  public Optional<TensorInfo> info(String name) {
    return Optional.ofNullable(owners.get(name)).map(file -> file.tensor(name).info());
  }

  /** As {@link #tensor}, for a tensor whose shape the reader judges itself. */
  public Tensor tensorOfAnyShape(String name) {
    return tensor(name, info(name).map(TensorInfo::shape).orElseGet(() -> new long[0]));
  }

  /**
   * Counts tensors as read that a loader leaves out on purpose; it says so in a {@link #notice}.
   *
   * @return their names, in file order
   */
  public List<String> passOver(Predicate<String> which) {
    List<String> names = names().stream().filter(which).toList();
    taken.addAll(names);
    return names;
  }

  /**
   * Ends loading: checks that every tensor was read.
   *
   * @throws CheckpointException naming the tensors that were not read
   */
  public void refuseUnread() {
    List<String> unread = names().stream().filter(name -> !taken.contains(name)).toList();
    if (unread.isEmpty()) {
      return;
    }
    List<String> shown =
        unread.stream().limit(NAMES_SHOWN).map(CheckpointException::shown).toList();
    String more =
        unread.size() > NAMES_SHOWN ? " and " + (unread.size() - NAMES_SHOWN) + " more" : "";
    throw new CheckpointException(
        owners.get(unread.getFirst()).file(),
        "tensors",
        "only those that the model described by config.json has",
        "also " + String.join(", ", shown) + more);
  }

  /** Unmaps every file; tensors must not be read any more. */
  @Override
  public void close() {
    files.forEach(SafetensorsFile::close);
  }
}
