/* codes - what each diagnostic code of the language and of the engine means, in a paragraph, for `aipc explain CODE`.
 *
 * E01xx: structure of a spec; E02xx: expressions; E03xx: variables and inputs; E04xx: YAML; E06xx, E07xx, E08xx: MIG layouts, fabrics,
 * clusters; W: warnings. Codes never change their meaning.
 */
#ifndef LANG_CODES_H
#define LANG_CODES_H

#include <stddef.h>

struct diag_code { const char *code, *title, *text; };
/* All codes, sorted. */
const struct diag_code *diag_codes(size_t *n);
/* code_examples*.c: a spec that gives CODE, and one that does not (NULL where the remedy lies outside of the spec). A line "# FILE.yaml" begins
 * another file. BY: the words behind `aipc` that find it; NULL: validate, of W09xx lint. */
struct diag_example { const char *code, *wrong, *right, *by; };
const struct diag_example *diag_example(const char *code);           /* NULL when CODE has none */
const char *diag_example_by(const struct diag_example *x);           /* never NULL */
extern const struct diag_example diag_examples_fabric[], diag_examples_cluster[];    /* parts of what diag_example() looks through */
/* NULL when there is no such code here. */
const struct diag_code *diag_code_find(const char *code);

#endif
