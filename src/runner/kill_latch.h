/* The emergency latch in a place of its own, for when the journal cannot be written: DATA_DIR/journal/.latch-<account>, two sectors that are written
 * in turn, in place, so that a full disk is no obstacle and a torn write leaves the other one. A kill that any disk took is in force after the next
 * start; its release is written only after the reset stands in the journal.
 *
 * Sector, 512 bytes, little-endian: magic "BBK1", u32 version, u64 generation (the higher one counts), u8 set, u8 whole account, u16 bytes of the
 * latch, the latch in schema order; at 508 u32 CRC-32C of all before. File systems that never write in place (copy on write) need blocks all the
 * same.
 */
#ifndef RUNNER_KILL_LATCH_H
#define RUNNER_KILL_LATCH_H

#include "core/strategy/risk.h"
#include "engine/event.h"
#include "runner/journal.h"

struct engine;
struct kill_latch; /* opaque; owns its file */

/* After journal_open, whose lock keeps others away. io: NULL the system's; its reserve is not used. A disk that has no room for the file even now is
 * asked again when there is something to write. A file of which neither sector can be read counts as an emergency stop. STATUS_NEWER_VERSION. */
NODISCARD enum status kill_latch_open(struct kill_latch **out, const char *data_dir, const char *account, const struct journal_io *io,
                                      struct problem *problem);
/* NULL is allowed. */
void kill_latch_close(struct kill_latch *latch);
/* What the file says, or would if the disk had taken it; "set" while since_at is not 0. */
const struct latch *kill_latch_held(const struct kill_latch *latch);
/* The disk has what was held or released last. */
bool kill_latch_is_durable(const struct kill_latch *latch);
/* kill is in force in the engine. Writes when that is news or could not be written yet, at most once a second of ts. */
void kill_latch_hold(struct kill_latch *latch, const struct latch *kill, bool whole_account, int64_t ts);
/* None is in force, and the journal is on disk. What this process has not seen in force since it began is kept: kill_latch_event first. */
void kill_latch_release(struct kill_latch *latch, int64_t ts);
/* The command that brings back what was forgotten: the latch is held and the engine, after its recovery event, has none. False: nothing to do. */
bool kill_latch_event(const struct kill_latch *latch, const struct engine *engine, int64_t ts, struct event *out);

#endif
