/**
 * Files that are written: where a path leads, and how a file is written there whole.
 *
 * <p><b>The problem.</b> A path may be a link, a device, a pipe, or standard output by another
 * name. A program that puts a new file in the place of "the file" destroys the link or the device.
 * A program that empties the file first destroys the old content when it fails half-way.
 *
 * <p><b>The idea.</b> One class looks where a path leads before anything is written, and offers the
 * ways of writing that keep the user's files.
 *
 * <pre>
 *   path ── links followed ──> a file, or nothing yet    replace: a temporary file beside it, moved
 *                                                        over it when it is complete
 *                         └──> device, pipe              written through
 *                         └──> /dev/stdout, /dev/fd/1    written to the stream that is open already
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>A link stays a link, a device stays a device; permissions of a file that is replaced stay.
 *   <li>A reader never sees half a file that was replaced, and a failure leaves the old one.
 *   <li>Every failure is an {@link java.io.IOException} that names the path as its user wrote it.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code ln -s real.safetensors link; orrery dump --ids 1 --out link}: the link
 * is still one. {@code orrery dump --ids 1 --out /dev/full} says that the disk is full.
 *
 * <p><b>Elsewhere.</b> GNU coreutils' {@code install} and {@code sort -o} make the same choices;
 * Hugging Face's {@code safetensors} writes in place.
 */
package orrery.files;
