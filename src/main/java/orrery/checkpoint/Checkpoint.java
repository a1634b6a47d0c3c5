package orrery.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;

/**
 * All tensors of a model directory in Hugging Face layout, whether they come as one {@code
 * model.safetensors} or as shards listed by {@code model.safetensors.index.json}. An index decides
 * which tensors there are, also when a file called {@code model.safetensors} stands beside it.
 *
 * <p>The index must agree with the shards exactly: each name in the shard it says, and no tensor in
 * any shard that it does not name. Its {@code metadata.total_size} is a claim that nothing here
 * depends on.
 *
 * <p>The checkpoint remembers which tensors were asked for, so that a model loader can end with
 * {@link #refuseUnread}: a tensor that no layer wanted usually means a config that does not belong
 * to these weights. What is passed over without being proved redundant is said in {@link #notices}.
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
   * @throws CheckpointException if there are none, or any file is broken or disagrees with the
   *     index
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
    try {
      checkpoint.notices.addAll(there.passedOver(checkpoint.fileNames()));
      return checkpoint;
    } catch (RuntimeException e) {
      checkpoint.close();
      throw e;
    }
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
    Map<String, SafetensorsFile> owners = new LinkedHashMap<>();
    file.names().forEach(name -> owners.put(name, file));
    return new Checkpoint(directory, List.of(file), owners);
  }

  private static Checkpoint openSharded(Path directory, Path index) {
    Map<String, String> weightMap = JsonConfig.read(index).object("weight_map").strings();
    if (weightMap.isEmpty()) {
      throw new CheckpointException(index, "weight_map", "tensors and their files", "none");
    }
    List<SafetensorsFile> files = new ArrayList<>();
    try {
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
    } catch (RuntimeException e) {
      files.forEach(SafetensorsFile::close);
      throw e;
    }
  }

  private static SafetensorsFile openShard(Path directory, Path index, String tensor, String name) {
    // Printable ASCII without any system's separators: it cannot leave the directory.
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
   * What loading has passed over or decided that the files alone do not tell, in whole lines that
   * begin with a file's name: a file of weights that nothing names, a head that the config denies.
   * Nothing that could be proved to make no difference is said.
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
   * The tensor {@code name}, marked as read. May be called from many threads.
   *
   * @param expectedShape every dimension, outermost first; none for a scalar
   * @throws CheckpointException if it is missing or has another shape, naming the file, the tensor
   *     and both shapes
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

  /**
   * Ends loading: every tensor must have been read.
   *
   * @throws CheckpointException naming the tensors that nothing asked for
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
