/* git - the files of one commit of a git repository, in a folder.
 *
 * libgit2 blocks and has no timeouts of its own, and what it reads comes from strangers. So it works in a child process, which is
 * killed when its time is over: a server that never answers, or a repository that breaks the library, costs the caller an
 * error and nothing else. Only to be called while the process has no other threads.
 *
 * Certificates are verified, hosts of ssh looked up in known_hosts; ssh takes keys from the agent; nothing is ever asked. No
 * submodules, no hooks, no filters, no checkout by the library: files are written here from the commit's tree. Names that git
 * itself would refuse, links that could lead out of the folder (base/tree.h), and what passes the limits are errors.
 * Limits: 512 MiB received, those of base/tree.h for what is written.
 */
#ifndef BASE_GIT_H
#define BASE_GIT_H

#include "base/err.h"

struct git_want {
	const char *url;             /* https, http, ssh or file */
	const char *ref;             /* a tag, a branch or a commit; NULL: the default branch */
	const char *commit;          /* exactly this one, whatever REF says now; NULL: any */
	const char *dir;             /* made, and empty before */
	unsigned timeout_s;          /* for all of it */
};
/* E_TIMEOUT, E_UNREACHABLE, E_NOTFOUND (no such ref or commit), E_AUTH, E_INPUT. DIR is removed on failure. */
int git_fetch(const struct git_want *w, char commit[41], struct err *err) MUST_CHECK;

#endif
