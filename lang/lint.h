/* lint - what is legal in a spec and looks wrong.
 *
 * Works on a spec that was loaded without mistakes; evaluates nothing, so it knows no values of inputs. Each finding is a warning
 * with a code W09xx (lang/codes.h tells what each means). A comment `# aipc-lint: ignore W0901 reason` on the line of the finding,
 * or on a line of its own above it, silences that code there.
 */
#ifndef LANG_LINT_H
#define LANG_LINT_H

#include "lang/lang.h"

/* Findings go to the diags given to lang_load(). */
void lang_lint(struct lang *l);

#endif
