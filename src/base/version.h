/* Which program this is. The three texts are set by the Makefile, for version.c alone. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

/* "0.1.0": the newest version heading of CHANGELOG.md. */
const char *version_text(void);

/* First 12 digits of the commit, or "unknown" when built outside a repository. */
const char *version_commit(void);

/* When that commit was made, "2026-01-31T12:00:00Z", or "unknown". Not when it was compiled: two builds of one commit are equal. */
const char *version_committed_at(void);

#endif
