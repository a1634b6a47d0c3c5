package orrery.speculation;

/** What tests may know of a sequence's MTP rows. */
public final class MtpRows {
  private MtpRows() {}

  /** The last slot up to which they are in the cache; the first row lies at slot 1. */
  public static int newestSlot(Drafts drafts) {
    return ((MtpDrafts) drafts).written;
  }

  /** The first guess that it has ready, or {@link DraftPicker#NONE}. */
  public static int first(Drafts drafts) {
    return ((MtpDrafts) drafts).first;
  }
}
